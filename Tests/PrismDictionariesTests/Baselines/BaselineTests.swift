import PrismActivations
import PrismCore
import PrismDictionaries
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

/// Vectors that are correlated, skewed and far from the origin.
func correlated(_ rows: Int, _ width: Int, seed: UInt64 = 1, mean: Float = 5) -> Tensor {
    var generator = SeededGenerator(seed: seed, stream: "correlated")
    let mixing = (0..<width * width).map { _ in generator.normal() }
    let x = Tensor(rows, width)
    for t in 0..<rows {
        let sources = (0..<width).map { _ in generator.normal() * abs(generator.normal()) }
        for c in 0..<width {
            x[t][c] = mean + (0..<width).reduce(0) { $0 + sources[$1] * mixing[$1 * width + c] }
        }
    }
    return x
}

func source(_ x: Tensor) -> MatrixActivations { MatrixActivations(x, rows: 0..<x.rowCount, seed: 0) }

/// Σ‖x − x̂‖² / Σ‖x − x̄‖².
func fvu(_ dictionary: SparseDictionary, _ x: Tensor, _ codes: SparseCodes? = nil) -> Double {
    let output = Tensor(x.rowCount, dictionary.outputWidth)
    dictionary.decode(codes ?? dictionary.encode(x), of: x, into: output)
    var (error, spread) = (0.0, 0.0)
    for c in 0..<x.rowWidth {
        let mean = (0..<x.rowCount).reduce(0.0) { $0 + Double(x[$1][c]) } / Double(x.rowCount)
        for t in 0..<x.rowCount {
            error += (Double(x[t][c]) - Double(output[t][c])) * (Double(x[t][c]) - Double(output[t][c]))
            spread += (Double(x[t][c]) - mean) * (Double(x[t][c]) - mean)
        }
    }
    return error / spread
}

@Suite struct BaselineTests {
    func fit(_ baseline: Baseline, _ x: Tensor, latents: Int, k: Int?, ceiling: Float = .infinity, threads: Int = 2)
        throws
        -> SparseDictionary
    {
        try baseline.fit(
            source(x), latents: latents, k: k, sinks: SinkFilter(widths: [x.rowWidth], ceilings: [ceiling]), seed: 3,
            workers: Workers(count: threads))
    }

    /// A basis of the whole space with both signs represents every vector; what is left is fp32 rounding of sums of 13
    /// numbers, squared.
    @Test(arguments: [Baseline.pca, .ica, .neurons]) func aWholeBasisLosesNothing(baseline: Baseline) throws {
        let x = correlated(3000, 13)
        let dictionary = try fit(baseline, x, latents: 26, k: nil)
        #expect(fvu(dictionary, x) < 1e-10)
        // Of either sign of a direction one is active.
        let codes = dictionary.encode(x)
        #expect((0..<x.rowCount).allSatisfy { codes[$0].count <= 13 })
        for i in 0..<26 { #expect(abs(dictionary.decoder.norm(ofRow: i) - 1) < 1e-6) }
    }

    /// Eckart and Young 1936: n principal components leave exactly the sum of the other eigenvalues.
    @Test func principalComponentsLeaveTheOtherVariances() throws {
        let x = correlated(5000, 9)
        let whole = try fit(.pca, x, latents: 18, k: nil)
        let variances = (0..<9).map { i in variance(of: i, whole, x) }
        #expect(variances == variances.sorted(by: >))
        for n in 1..<9 {
            let left = variances[n...].reduce(0, +) / variances.reduce(0, +)
            // The eigenvectors' rounding to fp32 moves the share by parts in 10⁷.
            #expect(abs(fvu(try fit(.pca, x, latents: 2 * n, k: nil), x) - left) < 1e-5)
        }
    }

    /// Of the signed coefficient of direction i, with n − 1.
    func variance(of i: Int, _ dictionary: SparseDictionary, _ x: Tensor) -> Double {
        let codes = dictionary.encode(x)
        let values = (0..<x.rowCount).map { t in
            codes[t].reduce(0.0) { $0 + ($1.latent == 2 * i ? 1 : $1.latent == 2 * i + 1 ? -1 : 0) * Double($1.value) }
        }
        let mean = values.reduce(0, +) / Double(values.count)
        return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
    }

    @Test func principalComponentsAreScikitLearns() throws {
        let file = try SafetensorsFile(golden("PrismDictionariesTests", "scikit-learn/pca.safetensors"))
        let (x, variances, components) = (
            try file.tensor("x"), try file.tensor("variance"), try file.tensor("components")
        )
        let dictionary = try fit(.pca, x, latents: 14, k: nil)
        for i in 0..<7 {
            let cosine = (0..<7).reduce(0) { $0 + dictionary.decoder[2 * i][$1] * components[i][$1] }
            // Both sides in fp32; the eigenvalues lie a tenth apart or more, so rounding turns a vector by some 10⁻⁶.
            #expect(abs(abs(cosine) - 1) < 1e-5)
            #expect(abs(variance(of: i, dictionary, x) / Double(variances.data[i]) - 1) < 1e-4)
            let row = (0..<7).map { dictionary.decoder[2 * i][$0] }
            #expect(row.max { abs($0) < abs($1) }! > 0)
        }
    }

    @Test func neuronsAreTheCoordinatesOfGreatestVariance() throws {
        let x = correlated(500, 6)
        for c in 0..<6 { for t in 0..<500 { x[t][c] *= [1, 30, 3, 10, 0.1, 0.3][c] } }
        let dictionary = try fit(.neurons, x, latents: 8, k: 2)
        let mean = (0..<6).map { c in (0..<500).reduce(0.0) { $0 + Double(x[$1][c]) } / 500 }
        let order = (0..<4).map { i in (0..<6).first { dictionary.decoder[2 * i][$0] == 1 }! }
        #expect(order == [1, 3, 2, 0])
        let codes = dictionary.encode(x)
        for t in 0..<500 {
            let distances: [Double] = order.map { Double(x[t][$0]) - mean[$0] }
            let largest = distances.indices.sorted { abs(distances[$0]) > abs(distances[$1]) }.prefix(2).sorted()
            let latents: [Int] = largest.map { 2 * $0 + (distances[$0] < 0 ? 1 : 0) }
            #expect(codes[t].map(\.latent) == latents)
            // fp32 of numbers up to some hundred.
            #expect(zip(codes[t], largest).allSatisfy { abs(Double($0.value) - abs(distances[$1])) < 1e-3 })
        }
    }

    /// For vectors of no preferred direction, n random directions count everything n / d times, and the scale takes it back;
    /// for the k largest it is the best scale: one per cent more or less is worse.
    @Test func randomDirectionsAreScaledByLeastSquares() throws {
        var generator = SeededGenerator(seed: 4, stream: "test")
        let x = Tensor(4000, 20)
        for i in 0..<x.count { x.data[i] = generator.normal() }
        let all = try fit(.random, x, latents: 1600, k: nil)
        // Var of the estimate: 800 directions of 20 dimensions, d/n within about a fortieth.
        #expect(abs(all.encoder.norm(ofRow: 0) / (20.0 / 800) - 1) < 0.05)
        let some = try fit(.random, x, latents: 200, k: 5)
        let best = fvu(some, x)
        #expect(best < 1)
        for factor in [0.99, 1.01] as [Float] {
            let codes = some.encode(x)
            for i in 0..<x.rowCount * codes.slots { codes.values[i] *= factor }
            #expect(fvu(some, x, codes) > best)
        }
        #expect(best > fvu(try fit(.pca, x, latents: 40, k: 5), x))
    }

    @Test func sinksAreLeftOut() throws {
        let x = correlated(1000, 5, mean: 0)
        let ceiling = (0..<1000).map { x.norm(ofRow: $0) }.max()! + 1
        let withSinks = Tensor(1010, 5)
        withSinks.rows(0..<1000).update(from: x)
        for t in 1000..<1010 { withSinks[t][3] = 1e5 }
        for baseline in Self.fitted {
            let dictionary = try fit(baseline, withSinks, latents: 10, k: 2, ceiling: ceiling)
            // Sinks a thousand times longer would put the mean at 1000.
            #expect(abs(dictionary.decoderBias.data[3]) < 1, "\(baseline)")
            #expect(fvu(dictionary, x) < 0.9, "\(baseline)")
        }
    }

    /// Those that the vectors decide.
    static let fitted = Baseline.allCases.filter { $0 != .rectifiedNeurons }

    /// Of vectors that are nowhere negative, each neuron is a latent and nothing is lost.
    @Test func rectifiedNeuronsAreTheVectorsThemselves() throws {
        let x = correlated(50, 6)
        for i in 0..<x.count { x.data[i] = max(0, x.data[i]) }
        let dictionary = try fit(.rectifiedNeurons, x, latents: 6, k: 1)
        #expect(fvu(dictionary, x) == 0)
        #expect(throws: PrismError.self) { try fit(.rectifiedNeurons, x, latents: 12, k: 1) }
    }

    @Test(arguments: fitted) func repeatsForAnyNumberOfThreads(baseline: Baseline) throws {
        // More than a block of the moments, several of the codes.
        let x = correlated(2100, 9)
        let one = try fit(baseline, x, latents: 16, k: 2, threads: 1)
        let three = try fit(baseline, x, latents: 16, k: 2, threads: 3)
        #expect(three.encoder.values == one.encoder.values && three.decoder.values == one.decoder.values)
        #expect(three.decoderBias.values == one.decoderBias.values)
    }

    @Test func refusesWhatDoesNotFit() throws {
        let x = correlated(300, 4)
        func refuses(_ baseline: Baseline, _ x: Tensor, latents: Int, k: Int?, _ words: String) {
            let error = #expect(throws: PrismError.self) { try fit(baseline, x, latents: latents, k: k) }
            #expect(error?.message.contains(words) == true, "\(String(describing: error))")
        }
        refuses(.pca, x, latents: 7, k: 1, "even number of latents")
        refuses(.pca, x, latents: 10, k: 1, "8 latents")
        refuses(.random, x, latents: 10, k: 0, "k must lie between 1 and the 10 latents")
        refuses(.ksvd, x, latents: 8, k: nil, "give k")
        refuses(.mod, x, latents: 1000, k: 2, "too few to learn 500 atoms")
        refuses(.pca, x.rows(0..<1), latents: 4, k: 1, "too few")
        let flat = x.copy()
        for t in 0..<300 { flat[t][3] = flat[t][0] - flat[t][1] }
        refuses(.ica, flat, latents: 8, k: 1, "3 directions only")
    }
}
