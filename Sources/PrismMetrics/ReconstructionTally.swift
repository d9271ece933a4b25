import PrismTensor

/// The sums of one context from which every reconstruction metric follows, for any weighting of contexts.
public struct ReconstructionTally: Sendable {
    public internal(set) var vectors = 0
    /// Σ‖x − x̂‖², Σ‖x‖², Σ‖x̂‖², Σ x·x̂, Σ cos(x, x̂), Σ L0.
    var error = 0.0, input = 0.0, output = 0.0, product = 0.0, cosine = 0.0, active = 0.0
    /// Σ x, [width].
    var sum: [Double]
    /// Latents that fired and how often.
    var firings: [Int32: Int32] = [:]

    /// - x, reconstruction: [vectors, width]. codes: the same rows.
    public init(_ x: Tensor, reconstruction: Tensor, codes: SparseCodes) {
        let width = x.rowWidth
        sum = [Double](repeating: 0, count: width)
        vectors = x.rowCount
        for t in 0..<x.rowCount {
            let (a, b) = (x[t], reconstruction[t])
            var (ee, aa, bb, ab) = (0.0, 0.0, 0.0, 0.0)
            for c in 0..<width {
                let (p, q) = (Double(a[c]), Double(b[c]))
                ee += (p - q) * (p - q)
                aa += p * p
                bb += q * q
                ab += p * q
                sum[c] += p
            }
            error += ee
            input += aa
            output += bb
            product += ab
            cosine += aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : 0
            active += Double(codes.counts[t])
            for slot in t * codes.slots..<t * codes.slots + Int(codes.counts[t]) {
                firings[codes.indices[slot], default: 0] += 1
            }
        }
    }
}

/// The metrics of METRICS's core table that need no model, over a set of contexts.
public struct ReconstructionMetrics: Sendable {
    public let tallies: [ReconstructionTally]
    public let latentCount: Int

    public init(_ tallies: [ReconstructionTally], latentCount: Int) {
        self.tallies = tallies
        self.latentCount = latentCount
    }

    public var vectorCount: Int { tallies.reduce(0) { $0 + $1.vectors } }

    /// x̄: the mean vector over all contexts, [width].
    public var mean: [Double] {
        let width = tallies.first?.sum.count ?? 0
        return (0..<width).map { c in tallies.reduce(0) { $0 + $1.sum[c] } / Double(max(1, vectorCount)) }
    }

    /// How often each latent fired, [latents].
    public var firings: [Int] {
        tallies.reduce(into: [Int](repeating: 0, count: latentCount)) { total, tally in
            for (latent, count) in tally.firings { total[Int(latent)] += Int(count) }
        }
    }

    /// Each metric with its interval:
    /// - `l0`: mean number of active latents. `mse`: mean ‖x − x̂‖², a sum over dimensions; `mse_per_dimension`: their mean.
    /// - `fvu`: Σ‖x − x̂‖² / Σ‖x − x̄‖², x̄ the mean over all contexts. `normalized_mse`: Σ‖x − x̂‖² / Σ‖x‖², which is one
    ///   minus what SAEBench 0.6 calls explained variance.
    /// - `gamma`: Σ‖x̂‖² / Σ x·x̂, below 1 for shrinkage. `cosine`: mean cos(x, x̂).
    /// - `dead_fraction`: latents that never fired in these vectors. `dense_fraction`: that fire on more than a tenth.
    public func estimates(_ bootstrap: Bootstrap) -> [String: Estimate] {
        let mean = mean
        let meanSquare = mean.reduce(0) { $0 + $1 * $1 }
        let spread = tallies.map { tally in
            tally.input - 2 * zip(mean, tally.sum).reduce(0) { $0 + $1.0 * $1.1 } + Double(tally.vectors) * meanSquare
        }
        func weighted(_ weights: [Int], _ value: (Int) -> Double) -> Double {
            tallies.indices.reduce(0) { $0 + Double(weights[$1]) * value($1) }
        }
        func ratio(_ over: @escaping (Int) -> Double, _ under: @escaping (Int) -> Double) -> Estimate {
            bootstrap.estimate { weighted($0, over) / weighted($0, under) }
        }
        func share(_ condition: @escaping (_ firings: Double, _ vectors: Double) -> Bool) -> Estimate {
            let estimate = bootstrap.estimate { weights in
                var counts = [Double](repeating: 0, count: latentCount)
                for (index, tally) in tallies.enumerated() where weights[index] > 0 {
                    for (latent, count) in tally.firings {
                        counts[Int(latent)] += Double(weights[index]) * Double(count)
                    }
                }
                let vectors = weighted(weights) { Double(tallies[$0].vectors) }
                return Double(counts.reduce(0) { $0 + (condition($1, vectors) ? 1 : 0) }) / Double(latentCount)
            }
            return Estimate(value: estimate.value, low: max(0, estimate.low), high: min(1, estimate.high))
        }
        let vectors = { (i: Int) in Double(tallies[i].vectors) }
        return [
            "l0": ratio({ tallies[$0].active }, vectors),
            "mse": ratio({ tallies[$0].error }, vectors),
            "mse_per_dimension": ratio({ tallies[$0].error }, { vectors($0) * Double(tallies[$0].sum.count) }),
            "fvu": ratio({ tallies[$0].error }, { spread[$0] }),
            "normalized_mse": ratio({ tallies[$0].error }, { tallies[$0].input }),
            "gamma": ratio({ tallies[$0].output }, { tallies[$0].product }),
            "cosine": ratio({ tallies[$0].cosine }, vectors),
            "dead_fraction": share { firings, _ in firings == 0 },
            "dense_fraction": share { firings, vectors in firings > 0.1 * vectors },
        ]
    }
}
