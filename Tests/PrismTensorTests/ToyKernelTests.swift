import CPrismKernels
import PrismCore
import Testing

@testable import PrismTensor

/// The loops of toy models against plain ones, for every instruction set that this processor has.
@Suite struct ToyKernelTests {
    static let sets = ["generic", "avx2", "avx512"].filter { CPUBackend(instructionSet: $0) != nil }
    /// Rows, columns of a, columns of b: tiles of every height and width, tails, spans beyond one list of places.
    static let shapes = [(1, 1, 1), (2, 5, 20), (7, 20, 5), (13, 37, 30), (64, 9, 70), (5, 530, 12), (128, 100, 33)]

    /// A matrix padded with zeros to whole vectors, a share of whose numbers is not zero.
    private func matrix(_ rows: Int, _ columns: Int, lanes: Int, share: Float = 1, seed: UInt64) -> Tensor {
        var generator = SeededGenerator(seed: seed, stream: "toy kernels")
        let result = Tensor(rows, (columns + lanes - 1) / lanes * lanes)
        for r in 0..<rows {
            for c in 0..<columns where generator.uniform() < share { result[r][c] = generator.normal() }
        }
        return result
    }

    @Test(arguments: sets) func productsMatchPlainSums(instructionSet: String) throws {
        let kernels = try #require(CPUBackend(instructionSet: instructionSet)).kernels
        let lanes = Int(PRISM_TOY_LANES)
        for (number, (rows, k, n)) in Self.shapes.enumerated() {
            for share in [Float(1), 0.1, 0] {
                let a = matrix(rows, k, lanes: lanes, share: share, seed: UInt64(number))
                let b = matrix(k, n, lanes: lanes, seed: 100 + UInt64(number))
                let bias = matrix(1, n, lanes: lanes, seed: 200 + UInt64(number))
                let width = b.rowWidth
                for sparse: Int32 in [0, 1] {
                    let out = Tensor(rows, width)
                    out.fill(7)
                    kernels.toy_product(
                        a.data, Int64(a.rowWidth), Int64(rows), Int64(k), b.data, Int64(width), bias.data, sparse,
                        out.data)
                    for t in 0..<rows {
                        for j in 0..<width {
                            var (sum, size) = (Double(bias.data[j]), abs(Double(bias.data[j])))
                            for c in 0..<k {
                                sum += Double(a[t][c]) * Double(b[c][j])
                                size += abs(Double(a[t][c]) * Double(b[c][j]))
                            }
                            // A chain of k roundings, each of half a unit in the last place of what was summed.
                            #expect(abs(Double(out[t][j]) - sum) <= size * Double(k + 2) * 0x1p-24)
                        }
                    }
                }
                // Transposed: every row of b's partner against the same a.
                let partner = matrix(rows, n, lanes: lanes, seed: 300 + UInt64(number))
                for sparse: Int32 in [0, 1] {
                    let out = Tensor(k, width)
                    out.fill(0.5)
                    kernels.toy_accumulate(
                        a.data, Int64(a.rowWidth), Int64(rows), Int64(k), partner.data, Int64(width), sparse, out.data)
                    for c in 0..<k {
                        for j in 0..<width {
                            var (sum, size) = (0.5, 0.5)
                            for t in 0..<rows {
                                sum += Double(a[t][c]) * Double(partner[t][j])
                                size += abs(Double(a[t][c]) * Double(partner[t][j]))
                            }
                            #expect(abs(Double(out[c][j]) - sum) <= size * Double(rows + 2) * 0x1p-24)
                        }
                    }
                }
            }
        }
    }

    /// Eight xoshiro128+ generators, one number at a time.
    @Test(arguments: sets) func drawsFollowTheGenerator(instructionSet: String) throws {
        let kernels = try #require(CPUBackend(instructionSet: instructionSet)).kernels
        var seeds = SeededGenerator(seed: 1, stream: "draws")
        var state = (0..<32).map { _ in UInt32(truncatingIfNeeded: seeds.next()) }
        var twin = state
        let (rows, n, stride) = (9, 20, 32)
        let threshold = (0..<24).map { $0 < n ? Int32($0 * 100_000_000 + 1) : 0 }
        let scale = threshold.map { $0 > 0 ? 1 / Float($0) : 0 }
        let offset = (0..<24).map { $0 < n ? Float($0) / 10 : 0 }
        let out = Tensor(rows, stride)
        let count = kernels.toy_draw(
            &state, Int64(rows), Int64(n), Int64(stride), threshold, scale, offset, out.data)
        var active = 0
        for t in 0..<rows {
            for j in 0..<24 {
                let lane = j % 8
                let s = (0..<4).map { twin[$0 * 8 + lane] }
                let draw = Int32((s[0] &+ s[3]) >> 1)
                var next = s
                next[2] ^= s[0]
                next[3] ^= s[1]
                next[1] ^= next[2]
                next[0] ^= next[3]
                next[2] ^= s[1] << 9
                next[3] = next[3] << 11 | next[3] >> 21
                for i in 0..<4 { twin[i * 8 + lane] = next[i] }
                let isActive = draw < threshold[j]
                active += isActive ? 1 : 0
                let value = isActive ? Float(draw) * scale[j] + offset[j] : 0
                // A product and a sum may be rounded once or twice.
                #expect(abs(out[t][j] - value) <= 2e-7 * max(1, abs(value)))
            }
        }
        #expect(count == Int64(active) && state == twin)
    }

    @Test(arguments: sets, [Int32(0), 1]) func errorsAndTheirGradients(instructionSet: String, rectified: Int32) throws
    {
        let kernels = try #require(CPUBackend(instructionSet: instructionSet)).kernels
        let lanes = Int(PRISM_TOY_LANES)
        let (rows, n) = (11, 19)
        let before = matrix(rows, n, lanes: lanes, seed: 1)
        let target = matrix(rows, n, lanes: lanes, share: 0.5, seed: 2)
        let importance = matrix(1, n, lanes: lanes, seed: 3)
        for i in 0..<n { importance.data[i] = abs(importance.data[i]) }
        let (out, bias) = (before.copy(), Tensor(before.rowWidth))
        var loss = 1.0
        let count = kernels.toy_error(
            out.data, target.data, importance.data, Int64(rows), Int64(before.rowWidth), rectified, 0.25, bias.data,
            &loss)
        var (expected, nonzero) = (1.0, 0)
        for i in 0..<n {
            var sum = 0.0
            for t in 0..<rows {
                let isPassed = rectified == 0 || before[t][i] > 0
                let error = Double(isPassed ? before[t][i] : 0) - Double(target[t][i])
                let gradient = isPassed ? 2 * 0.25 * Double(importance.data[i]) * error : 0
                expected += Double(importance.data[i]) * error * error
                sum += gradient
                nonzero += gradient != 0 ? 1 : 0
                #expect(abs(Double(out[t][i]) - gradient) < 1e-5)
            }
            #expect(abs(Double(bias.data[i]) - sum) < 1e-5)
        }
        #expect(abs(loss - expected) < 1e-5 * expected && count == Int64(nonzero))
    }

    // MARK: Narrow models: the same with a row for each feature

    /// Features read, rows computed, samples: tiles of every height and width.
    static let narrowShapes = [(1, 1, 8), (3, 2, 16), (20, 5, 128), (5, 20, 40), (9, 8, 24), (11, 3, 64), (6, 13, 8)]

    @Test(arguments: sets) func narrowProductsMatchPlainSums(instructionSet: String) throws {
        let kernels = try #require(CPUBackend(instructionSet: instructionSet)).kernels
        for (number, (k, m, samples)) in Self.narrowShapes.enumerated() {
            let x = matrix(k, samples, lanes: 8, seed: UInt64(number))
            let w = matrix(m, k, lanes: 8, seed: 100 + UInt64(number))
            let bias = matrix(1, m, lanes: 8, seed: 200 + UInt64(number))
            let (out, transposed, unbiased) = (Tensor(m, samples), Tensor(k, m), Tensor(m, samples))
            for c in 0..<k { for j in 0..<m { transposed[c][j] = w[j][c] } }
            kernels.narrow_product(
                w.data, Int64(w.rowWidth), 1, Int64(m), Int64(k), x.data, Int64(samples), bias.data, out.data)
            kernels.narrow_product(
                transposed.data, 1, Int64(m), Int64(m), Int64(k), x.data, Int64(samples), nil, unbiased.data)
            // Σ_t of the products' rows with x's.
            let sums = Tensor(m, k + 1)
            sums.fill(0.5)
            kernels.narrow_accumulate(
                out.data, Int64(m), x.data, Int64(k), Int64(samples), sums.data, Int64(k + 1))
            for j in 0..<m {
                for t in 0..<samples {
                    let terms = (0..<k).map { Double(w[j][$0]) * Double(x[$0][t]) }
                    let size = terms.reduce(abs(Double(bias.data[j]))) { $0 + abs($1) }
                    let tolerance = size * Double(k + 2) * 0x1p-24
                    let sum = terms.reduce(0, +)
                    #expect(abs(Double(unbiased[j][t]) - sum) <= tolerance)
                    #expect(abs(Double(out[j][t]) - sum - Double(bias.data[j])) <= tolerance)
                }
                for c in 0..<k {
                    let terms = (0..<samples).map { Double(out[j][$0]) * Double(x[c][$0]) }
                    let size = terms.reduce(0.5) { $0 + abs($1) }
                    #expect(abs(Double(sums[j][c]) - terms.reduce(0.5, +)) <= size * Double(samples + 2) * 0x1p-24)
                }
                #expect(sums[j][k] == 0.5)
            }
        }
    }

    /// Of one feature, what `toy_draw` writes for eight equal ones.
    @Test(arguments: sets) func narrowDrawsFollowTheGenerator(instructionSet: String) throws {
        let kernels = try #require(CPUBackend(instructionSet: instructionSet)).kernels
        var seeds = SeededGenerator(seed: 2, stream: "draws")
        var state = (0..<32).map { _ in UInt32(truncatingIfNeeded: seeds.next()) }
        var twin = state
        let (threshold, scale, offset): ([Int32], [Float], [Float]) = (
            [1 << 30, 1 << 27], [0x1p-30, 0x1p-26], [0, -1]
        )
        let out = Tensor(2, 40)
        kernels.narrow_draw(&state, 2, 40, threshold, scale, offset, out.data)
        for feature in 0..<2 {
            let expected = Tensor(5, 8)
            _ = kernels.toy_draw(
                &twin, 5, 8, 8, [Int32](repeating: threshold[feature], count: 8),
                [Float](repeating: scale[feature], count: 8), [Float](repeating: offset[feature], count: 8),
                expected.data)
            #expect(expected.values == Array(UnsafeBufferPointer(start: out[feature], count: 40)))
        }
        #expect(state == twin && out.values.contains { $0 != 0 })
    }

    @Test(arguments: sets, [Int32(0), 1]) func narrowErrorsAreThoseOfTheTransposedBlock(
        instructionSet: String, rectified: Int32
    ) throws {
        let kernels = try #require(CPUBackend(instructionSet: instructionSet)).kernels
        let (samples, n) = (24, 8)
        let before = matrix(samples, n, lanes: 8, seed: 1)
        let target = matrix(samples, n, lanes: 8, share: 0.5, seed: 2)
        let importance = Tensor(shape: [n], (0..<n).map { 0.3 + Float($0) })
        let (out, goal) = (Tensor(n, samples), Tensor(n, samples))
        for t in 0..<samples { for i in 0..<n { (out[i][t], goal[i][t]) = (before[t][i], target[t][i]) } }
        let (bias, expectedBias) = (Tensor(n), Tensor(n))
        var (loss, expected) = (1.0, 1.0)
        kernels.narrow_error(
            out.data, goal.data, importance.data, Int64(n), Int64(samples), rectified, 0.25, bias.data, &loss)
        _ = kernels.toy_error(
            before.data, target.data, importance.data, Int64(samples), Int64(n), rectified, 0.25, expectedBias.data,
            &expected)
        #expect(abs(loss - expected) < 1e-5 * expected)
        for i in 0..<n {
            #expect(abs(bias.data[i] - expectedBias.data[i]) < 1e-5)
            for t in 0..<samples { #expect(abs(out[i][t] - before[t][i]) < 1e-6) }
        }
    }
}
