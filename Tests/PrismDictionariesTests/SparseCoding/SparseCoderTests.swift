import PrismCore
@testable import PrismDictionaries
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct SparseCoderTests {
    func random(_ rows: Int, _ width: Int, seed: UInt64) -> Tensor {
        var generator = SeededGenerator(seed: seed, stream: "test")
        let x = Tensor(rows, width)
        for i in 0..<x.count { x.data[i] = generator.normal() }
        return x
    }

    func unit(_ rows: Int, _ width: Int, seed: UInt64) -> Tensor {
        DoubleMatrix(random(rows, width, seed: seed)).unitRows.tensor
    }

    func dense(_ codes: SparseCodes, _ atoms: Int) -> [[Double]] {
        (0..<codes.rowCount).map { t in
            codes[t].reduce(into: [Double](repeating: 0, count: atoms)) { $0[$1.latent] = Double($1.value) }
        }
    }

    func error(_ x: Tensor, _ atoms: Tensor, _ codes: SparseCodes) -> Double {
        let output = Tensor(shape: x.shape)
        ReferenceBackend().decode(codes, decoder: atoms, into: output)
        return zip(x.values, output.values).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    }

    // MARK: Against scikit-learn

    @Test func findsScikitLearnsCodes() throws {
        let file = try SafetensorsFile(golden("PrismDictionariesTests", "scikit-learn/codes.safetensors"))
        let (x, atoms) = (try file.tensor("x"), try file.tensor("atoms"))
        for (coder, signed, name) in [
            (SparseCoder.orthogonalMatchingPursuit(k: 4), true, "omp"), (.fista(penalty: 0.3), true, "lasso"),
            (.fista(penalty: 0.3), false, "lasso_positive"),
        ] {
            let codes = coder.codes(of: x, for: Atoms(atoms, signed: signed), workers: Workers(count: 1))
            let (ours, theirs) = (dense(codes, 30), try file.tensor(name))
            for t in 0..<40 {
                for i in 0..<30 {
                    // The optimum's conditions hold to 10⁻⁶; the least eigenvalues of the active atoms' products, some .1,
                    // turn that into 10⁻⁵ of a coefficient.
                    #expect(abs(ours[t][i] - Double(theirs[t][i])) < 3e-5, "\(name) \(t) \(i)")
                    #expect((ours[t][i] == 0) == (theirs[t][i] == 0), "\(name) \(t) \(i)")
                }
            }
        }
    }

    // MARK: Planted codes

    /// Tropp 2004: with sparsity < ½(1 + 1/μ) orthogonal matching pursuit is exact, whatever the support. The 64 axes and the
    /// 64 rows of a Hadamard matrix have μ = 1/8, so that four atoms are always found.
    @Test(arguments: [false, true]) func orthogonalMatchingPursuitIsExactBelowTheCoherenceBound(signed: Bool) {
        let atoms = Tensor(128, 64)
        for i in 0..<64 {
            atoms[i][i] = 1
            for c in 0..<64 { atoms[64 + i][c] = (i & c).nonzeroBitCount % 2 == 0 ? 0.125 : -0.125 }
        }
        var generator = SeededGenerator(seed: 2, stream: "test")
        let x = Tensor(300, 64)
        let planted = (0..<300).map { t in
            var code = [Double](repeating: 0, count: 128)
            for i in (0..<128).shuffled(using: &generator).prefix(1 + t % 4) {
                code[i] = (signed && generator.uniform() < 0.5 ? -1 : 1) * Double(0.5 + 4 * generator.uniform())
                for c in 0..<64 { x[t][c] += Float(code[i]) * atoms[i][c] }
            }
            return code
        }
        let codes = SparseCoder.orthogonalMatchingPursuit(k: 4).codes(
            of: x, for: Atoms(atoms, signed: signed), workers: Workers(count: 2))
        for (found, code) in zip(dense(codes, 128), planted) {
            for i in 0..<128 {
                // The vectors are rounded to fp32.
                #expect(abs(found[i] - code[i]) < 1e-5 && (found[i] == 0) == (code[i] == 0))
            }
        }
    }

    /// The optimum's conditions (Lawson and Hanson 1974): no atom correlates with the residual, those in use not at all. The
    /// vectors are random, so that few or none can be given exactly with 20 atoms in 30 dimensions, all of them with 200.
    @Test(arguments: [20, 200]) func nonNegativeLeastSquaresMeetsItsConditions(atoms count: Int) {
        let (x, atoms) = (random(70, 30, seed: 4), unit(count, 30, seed: 5))
        let codes = SparseCoder.nonNegativeLeastSquares.codes(of: x, for: Atoms(atoms), workers: Workers(count: 2))
        let output = Tensor(70, 30)
        ReferenceBackend().decode(codes, decoder: atoms, into: output)
        for (t, code) in dense(codes, count).enumerated() {
            for i in 0..<count {
                let slope = (0..<30).reduce(0.0) { $0 + Double(atoms[i][$1]) * Double(x[t][$1] - output[t][$1]) }
                // Vectors of length 5.5 in fp32, which the search itself stops at.
                #expect(code[i] >= 0 && slope < 2e-5 && (code[i] == 0 || slope > -2e-5), "\(t) \(i) \(slope)")
            }
        }
        if count == 200 { #expect(error(x, atoms, codes) < 1e-7) }
    }

    // MARK: Naive twins

    /// In double precision, a row at a time, from the definitions; fits by coordinate descent.
    func naive(_ coder: SparseCoder, _ x: [Double], _ atoms: DoubleMatrix, signed: Bool) -> [Double] {
        let (n, width) = (atoms.rowCount, atoms.columnCount)
        var c = [Double](repeating: 0, count: n)
        func correlation(_ i: Int) -> Double {
            (0..<width).reduce(0) { sum, d in
                sum + atoms[i, d] * (0..<n).reduce(x[d]) { $0 - c[$1] * atoms[$1, d] }
            }
        }
        func descend(_ set: [Int], penalty: Double, sweeps: Int) {
            for _ in 0..<sweeps {
                for i in set {
                    let v = c[i] + correlation(i)
                    c[i] = v > penalty ? v - penalty : signed && v < -penalty ? v + penalty : 0
                }
            }
        }
        var set: [Int] = []
        func pick(_ candidates: [Int]) -> Int? {
            let gains = candidates.map { signed ? abs(correlation($0)) : correlation($0) }
            guard let best = gains.indices.max(by: { gains[$0] < gains[$1] }), gains[best] > 1e-6 else { return nil }
            return candidates[best]
        }
        switch coder {
        case .nonNegativeLeastSquares: descend(Array(0..<n), penalty: 0, sweeps: 2000)
        case .fista(let penalty): descend(Array(0..<n), penalty: penalty, sweeps: 2000)
        case .orthogonalMatchingPursuit(let k):
            for _ in 0..<k {
                guard let i = pick((0..<n).filter { !set.contains($0) || c[$0] == 0 }) else { break }
                if !set.contains(i) { set.append(i) }
                descend(set, penalty: 0, sweeps: 2000)
            }
        case .gradientPursuit(let k):
            for _ in 0..<k {
                guard let i = pick(Array(0..<n)) else { break }
                if !set.contains(i) { set.append(i) }
                let slopes = set.map(correlation)
                let step = (0..<width).map { d in zip(set, slopes).reduce(0) { $0 + $1.1 * atoms[$1.0, d] } }
                // The best step: r · v / ‖v‖², and r · v is the sum of the squared slopes.
                let size = slopes.reduce(0) { $0 + $1 * $1 } / step.reduce(0) { $0 + $1 * $1 }
                for (i, slope) in zip(set, slopes) { c[i] = signed ? c[i] + size * slope : max(0, c[i] + size * slope) }
            }
        }
        return c
    }

    @Test(
        arguments: [
            SparseCoder.orthogonalMatchingPursuit(k: 7), .gradientPursuit(k: 7),
            .fista(penalty: 0.2),
        ], [false, true])
    func isItsDefinition(coder: SparseCoder, signed: Bool) {
        for (rows, count, width) in [(1, 1, 1), (3, 17, 5), (5, 31, 13)] {
            let atoms = unit(count, width, seed: UInt64(count))
            let x = random(rows, width, seed: 9)
            let codes = coder.codes(of: x, for: Atoms(atoms, signed: signed), workers: Workers(count: 1))
            for (t, found) in dense(codes, count).enumerated() {
                let expected = naive(coder, (0..<width).map { Double(x[t][$0]) }, DoubleMatrix(atoms), signed: signed)
                if let penalty = coder.penalty {
                    // Atoms that nearly depend on each other leave the coefficients open, not what is minimised.
                    let row = (0..<width).map { Double(x[t][$0]) }
                    let values = [found, expected].map { c in
                        let rest = row.indices.map { d in c.indices.reduce(row[d]) { $0 - c[$1] * Double(atoms[$1][d]) }
                        }
                        return rest.reduce(0) { $0 + $1 * $1 / 2 } + penalty * c.reduce(0) { $0 + abs($1) }
                    }
                    #expect(abs(values[0] - values[1]) < 1e-6, "\(coder) \(rows) \(count) \(width) \(t) \(values)")
                    continue
                }
                // Choices agree unless two gains are equal to rounding, which does not happen here; the coefficients are
                // fp32, and what an ill-conditioned choice of atoms makes of it.
                #expect(
                    zip(found, expected).allSatisfy { abs($0 - $1) < 1e-4 }, "\(coder) \(rows) \(count) \(width) \(t)")
            }
        }
    }

    // MARK: What holds for any atoms

    /// More atoms than the first working set holds, so that sets grow; the conditions are looked at for every atom.
    @Test func theWorkingSetsSolutionIsThatOfAllAtoms() {
        let (atoms, x) = (unit(700, 24, seed: 5), random(20, 24, seed: 6))
        for signed in [false, true] {
            let codes = SparseCoder.fista(penalty: 0.02).codes(
                of: x, for: Atoms(atoms, signed: signed), workers: Workers(count: 2))
            for (t, c) in dense(codes, 700).enumerated() {
                #expect(c.contains { $0 != 0 })
                let rest = (0..<24).map { d in (0..<700).reduce(Double(x[t][d])) { $0 - c[$1] * Double(atoms[$1][d]) } }
                for i in 0..<700 {
                    let slope = (0..<24).reduce(0.0) { $0 + Double(atoms[i][$1]) * rest[$1] }
                    let excess =
                        c[i] > 0
                        ? abs(slope - 0.02)
                        : c[i] < 0
                            ? abs(slope + 0.02)
                            : (signed ? abs(slope) : slope) - 0.02
                    // 10⁻⁶ of the largest correlation, about 4, and the fp32 rounding of some dozen coefficients.
                    #expect(excess < 1e-5, "signed \(signed), row \(t), atom \(i): \(excess)")
                }
            }
        }
    }

    /// Latents rescaled against their decoder rows mean the same, and the codes follow.
    @Test func doesNotDependOnTheLengthOfDecoderRows() {
        let (atoms, x) = (unit(40, 12, seed: 7), random(15, 12, seed: 8))
        let scales = (0..<40).map { Float(1 << ($0 % 5)) / 4 }  // powers of two, which change no digit
        let scaled = atoms.copy()
        for i in 0..<40 { for c in 0..<12 { scaled[i][c] *= scales[i] } }
        for coder in [
            SparseCoder.orthogonalMatchingPursuit(k: 4), .gradientPursuit(k: 4),
            .fista(penalty: 0.3),
        ] {
            let one = dense(coder.codes(of: x, for: Atoms(atoms), workers: Workers(count: 1)), 40)
            let other = dense(coder.codes(of: x, for: Atoms(scaled), workers: Workers(count: 1)), 40)
            for t in 0..<15 {
                #expect((0..<40).allSatisfy { abs(one[t][$0] - Double(scales[$0]) * other[t][$0]) < 1e-5 }, "\(coder)")
            }
        }
    }

    /// On atoms that overlap, fitting anew is worth more than a gradient step.
    @Test func betterFitsLeaveSmallerErrors() {
        let atoms = unit(60, 10, seed: 3)
        for i in 0..<60 { atoms[i][0] += 1 }
        let x = random(200, 10, seed: 4)
        let errors = [
            SparseCoder.orthogonalMatchingPursuit(k: 6), .gradientPursuit(k: 6),
        ].map { coder in
            let codes = coder.codes(of: x, for: Atoms(atoms), workers: Workers(count: 2))
            #expect((0..<200).allSatisfy { t in codes[t].count <= 6 && codes[t].allSatisfy { $0.value > 0 } })
            return error(x, atoms, codes)
        }
        #expect(errors == errors.sorted(), "\(errors)")
    }

    /// Correlations by the atoms' inner products are those of the residuals.
    @Test func innerProductsGiveTheSamePursuit() {
        let (atoms, x) = (Atoms(random(80, 24, seed: 1)), random(50, 24, seed: 2))
        let gram = atoms.gram(workers: Workers(count: 2))
        func same<Rule: PursuitRule>(_ rule: Rule.Type) {
            let plain = pursue(x, atoms, 6, rule)
            let fast = pursue(x, atoms, 6, gram: gram, rule)
            for (a, b) in zip(plain, fast) {
                #expect(a.map(\.atom) == b.map(\.atom))
                // Single precision of the correlations, which a gradient step takes into the coefficients.
                #expect(zip(a, b).allSatisfy { abs($0.coefficient - $1.coefficient) < 1e-4 })
            }
        }
        same(OrthogonalMatchingPursuit.self)
        same(GradientPursuit.self)
    }

    @Test(arguments: [0, 1, 64, 65, 130]) func repeatsForAnyNumberOfRowsAndThreads(rows: Int) {
        let (atoms, x) = (random(37, 8, seed: 1), random(rows, 8, seed: 2))
        // Opposite and equal rows, a row of zeros and a vector of zeros.
        for c in 0..<8 { (atoms[3][c], atoms[4][c], atoms[5][c]) = (-atoms[2][c], atoms[2][c], 0) }
        if rows > 1 { for c in 0..<8 { x[1][c] = 0 } }
        for coder in [
            SparseCoder.orthogonalMatchingPursuit(k: 9), .gradientPursuit(k: 9),
            .fista(penalty: 0.1),
        ] {
            let one = coder.codes(of: x, for: Atoms(atoms), workers: Workers(count: 1))
            let two = coder.codes(of: x, for: Atoms(atoms), workers: Workers(count: 3))
            #expect(dense(one, 37) == dense(two, 37))
            #expect(dense(one, 37).allSatisfy { $0[5] == 0 && $0.allSatisfy(\.isFinite) })
            // A row's code does not depend on its neighbours, but for the blocks' products, which are BLAS's.
            if rows > 1 { #expect(one[1].isEmpty) }
        }
    }

    // MARK: For a dictionary

    /// With as many latents as numbers in a vector every kind of dictionary can give any vector, if the coder accounts for
    /// biases, skip and standardisation as the decoder does.
    @Test func accountsForAllThatTheDecoderAdds() throws {
        let (atoms, bias, x) = (random(40, 6, seed: 1), random(1, 6, seed: 2).reshaped(6), random(30, 6, seed: 3))
        let (skip, target) = (random(6, 6, seed: 4), random(30, 6, seed: 5))
        for (skip, standardises, target) in [(nil, false, nil), (nil, true, nil), (skip, false, target)]
            as [(Tensor?, Bool, Tensor?)]
        {
            let dictionary = SparseDictionary(
                encoder: atoms, encoderBias: Tensor(40), decoder: atoms, decoderBias: bias, activation: .relu,
                centresInput: false, skip: skip, standardisesInput: standardises)
            let codes = try dictionary.encode(x, by: .fista(penalty: 1e-3), target: target)
            let output = Tensor(30, 6)
            dictionary.decode(codes, of: x, into: output)
            for (found, wanted) in zip(output.values, (target ?? x).values) {
                // The penalty's shrinkage; leaving out a bias or a skip would be off by about one.
                #expect(abs(found - wanted) < 0.02)
            }
        }
        let plain = SparseDictionary(
            encoder: atoms, encoderBias: Tensor(40), decoder: atoms, decoderBias: bias, activation: .relu)
        #expect(throws: PrismError.self) { try plain.encode(x, by: .orthogonalMatchingPursuit(k: 41)) }
        #expect(throws: PrismError.self) { try plain.encode(x, by: .fista(penalty: 0)) }
    }
}

extension SparseCoder {
    fileprivate var penalty: Double? {
        if case .fista(let penalty) = self { penalty } else { nil }
    }
}
