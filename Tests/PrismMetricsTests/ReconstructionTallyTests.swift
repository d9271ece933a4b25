import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismTensor
import Testing

/// Each metric against its definition in METRICS, written out over single vectors in double precision.
@Suite struct ReconstructionTallyTests {
    /// Vectors, reconstructions and codes of some contexts, as rows of Doubles.
    struct Data {
        let latents: Int
        var groups: [(x: Tensor, out: Tensor, codes: SparseCodes)] = []

        init(latents: Int, width: Int, sizes: [Int], seed: UInt64) {
            self.latents = latents
            var generator = SeededGenerator(seed: seed, stream: "metrics")
            for size in sizes {
                let x = randomVectors(size, width, &generator)
                let out = x.copy()
                for i in 0..<out.count { out.data[i] = 0.8 * out.data[i] + 0.3 * generator.normal() }
                let codes = SparseCodes(rowCount: size, slots: 6)
                for t in 0..<size {
                    // Latent 0 fires always, the last quarter never.
                    let others = (1..<latents * 3 / 4).shuffled(using: &generator).prefix(
                        Int.random(in: 0...5, using: &generator))
                    for (slot, latent) in ([0] + others.sorted()).enumerated() {
                        codes.indices[t * 6 + slot] = Int32(latent)
                        codes.values[t * 6 + slot] = 1
                        codes.counts[t] += 1
                    }
                }
                groups.append((x, out, codes))
            }
        }

        var metrics: ReconstructionMetrics {
            ReconstructionMetrics(
                groups.map { ReconstructionTally($0.x, reconstruction: $0.out, codes: $0.codes) }, latentCount: latents)
        }

        /// (x, x̂, numbers of the active latents) of every vector.
        var rows: [(x: [Double], out: [Double], active: [Int])] {
            groups.flatMap { group in
                (0..<group.x.rowCount).map { t in
                    let width = group.x.rowWidth
                    return (
                        (0..<width).map { Double(group.x[t][$0]) }, (0..<width).map { Double(group.out[t][$0]) },
                        group.codes[t].map(\.latent)
                    )
                }
            }
        }
    }

    func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    func squared(_ a: [Double]) -> Double { dot(a, a) }
    func minus(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 - $1 } }

    @Test(arguments: [(1, [1]), (7, [3, 1, 11]), (16, [5, 0, 8, 8, 2]), (33, Array(repeating: 4, count: 20))])
    func everyMetricIsWhatItsDefinitionSays(_ width: Int, _ sizes: [Int]) {
        let data = Data(latents: 40, width: width, sizes: sizes, seed: UInt64(width))
        let rows = data.rows
        let count = Double(rows.count)
        let mean = (0..<width).map { c in rows.reduce(0) { $0 + $1.x[c] } / count }
        let error = rows.reduce(0) { $0 + squared(minus($1.x, $1.out)) }
        let firings = (0..<40).map { latent in rows.filter { $0.active.contains(latent) }.count }
        let expected = [
            "l0": rows.reduce(0) { $0 + Double($1.active.count) } / count,
            "mse": error / count,
            "mse_per_dimension": error / count / Double(width),
            "fvu": error / rows.reduce(0) { $0 + squared(minus($1.x, mean)) },
            "normalized_mse": error / rows.reduce(0) { $0 + squared($1.x) },
            "gamma": rows.reduce(0) { $0 + squared($1.out) } / rows.reduce(0) { $0 + dot($1.x, $1.out) },
            "cosine": rows.reduce(0) { $0 + dot($1.x, $1.out) / (squared($1.x) * squared($1.out)).squareRoot() }
                / count,
            "dead_fraction": Double(firings.filter { $0 == 0 }.count) / 40,
            "dense_fraction": Double(firings.filter { Double($0) > 0.1 * count }.count) / 40,
        ]
        let metrics = data.metrics
        let found = metrics.estimates(Bootstrap(contexts: sizes.count))
        #expect(Set(found.keys) == Set(expected.keys))
        for (name, value) in expected where value.isFinite {
            let estimate = found[name]!
            #expect(
                abs(estimate.value - value) <= 1e-9 * max(1, abs(value)), "\(name): \(estimate.value), not \(value)")
            if sizes.count > 1 { #expect(estimate.low <= value + 1e-9 && value - 1e-9 <= estimate.high, "\(name)") }
        }
        #expect(metrics.firings == firings)
        #expect(metrics.vectorCount == rows.count)
        #expect(zip(metrics.mean, mean).allSatisfy { abs($0 - $1) < 1e-9 })
    }

    /// A tenth exactly is not dense; a latent that fires once is not dead.
    @Test func deadAndDenseAtTheirBorders() {
        let codes = SparseCodes(rowCount: 20, slots: 2)
        for t in 0..<2 { (codes.counts[t], codes.indices[2 * t]) = (1, 0) }
        for t in 2..<5 { (codes.counts[t], codes.indices[2 * t]) = (1, 1) }
        (codes.counts[5], codes.indices[10]) = (1, 2)
        let x = Tensor(20, 3)
        x.fill(1)
        let metrics = ReconstructionMetrics([ReconstructionTally(x, reconstruction: x, codes: codes)], latentCount: 5)
        let found = metrics.estimates(Bootstrap(contexts: 1))
        #expect(found["dead_fraction"]?.value == 0.4)
        #expect(found["dense_fraction"]?.value == 0.2)
    }

    @Test func identityReconstructsAll() throws {
        var generator = SeededGenerator(seed: 1, stream: "identity")
        let x = randomVectors(60, 12, &generator)
        let found = try Evaluation(
            of: identityDictionary(width: 12), on: x, groups: [Array(0..<30), Array(30..<60)], workers: .init(count: 2)
        ).metrics
        for (name, value) in ["fvu": 0.0, "mse": 0, "normalized_mse": 0, "gamma": 1, "cosine": 1, "l0": 12] {
            #expect(abs(found[name]!.value - value) < 1e-12, "\(name): \(found[name]!)")
        }
    }

    /// The mean as reconstruction explains no variance; shrinking by half gives γ = ½ and cosine 1.
    @Test func meanAndShrinkage() throws {
        var generator = SeededGenerator(seed: 2, stream: "shrinkage")
        let x = randomVectors(64, 5, &generator)
        let mean = (0..<5).map { c in (0..<64).reduce(Float(0)) { $0 + x[$1][c] } / 64 }
        let groups = [Array(0..<20), Array(20..<64)]
        let flat = try Evaluation(of: constantDictionary(mean), on: x, groups: groups, workers: .init(count: 1))
        #expect(abs(flat.metrics["fvu"]!.value - 1) < 1e-6)
        #expect(flat.metrics["l0"]?.value == 0 && flat.metrics["dead_fraction"]?.value == 1)
        let half = x.copy()
        for i in 0..<half.count { half.data[i] /= 2 }
        let tally = ReconstructionTally(x, reconstruction: half, codes: SparseCodes(rowCount: 64, slots: 1))
        let found = ReconstructionMetrics([tally], latentCount: 1).estimates(Bootstrap(contexts: 1))
        #expect(abs(found["gamma"]!.value - 0.5) < 1e-12 && abs(found["cosine"]!.value - 1) < 1e-12)
        #expect(abs(found["normalized_mse"]!.value - 0.25) < 1e-12)
    }

    /// Threads and the order of the work change no bit; a dictionary of another width is refused.
    @Test func oneThreadAndThreeAgree() throws {
        var generator = SeededGenerator(seed: 4, stream: "threads")
        let dictionary = randomDictionary(latents: 96, width: 24, k: 5, &generator)
        let x = randomVectors(500, 24, &generator)
        let groups = stride(from: 0, to: 500, by: 37).map { Array($0..<min(500, $0 + 37)) }
        let one = try Evaluation(of: dictionary, on: x, groups: groups, workers: .init(count: 1))
        let three = try Evaluation(of: dictionary, on: x, groups: groups, workers: .init(count: 3))
        #expect(one.metrics == three.metrics && one.density == three.density)
        #expect(throws: PrismError.self) {
            try Evaluation(of: dictionary, on: Tensor(4, 23), groups: [[0, 1]], workers: .init(count: 1))
        }
    }
}
