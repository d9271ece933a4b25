import PrismTensor

/// The neuron whose activation goes with a latent's most.
struct BestNeuron: Sendable {
    let number: Int
    /// Pearson's, over all positions looked at.
    let correlation: Double
    let mean: Float
}

/// Sums from which follow the correlations of latents with neurons.
struct NeuronMatches {
    private struct Sums {
        var values = 0.0, squares = 0.0
        /// Σ z · neuron, per neuron.
        var products: [Double]
    }

    private var count = 0.0
    private var sums: [Double] = []
    private var squares: [Double] = []
    private var latents: [Int: Sums] = [:]

    /// - neurons: of a whole context, [tokens, neurons]. active: each latent's positions and activations.
    mutating func add(_ neurons: Tensor, _ positions: [Int], _ active: [Int: [(position: Int, value: Float)]]) {
        let width = neurons.rowWidth
        if sums.isEmpty {
            sums = [Double](repeating: 0, count: width)
            squares = sums
        }
        count += Double(positions.count)
        for position in positions {
            for n in 0..<width {
                let value = Double(neurons[position][n])
                sums[n] += value
                squares[n] += value * value
            }
        }
        for (latent, firings) in active {
            var own = latents[latent] ?? Sums(products: [Double](repeating: 0, count: width))
            for (position, value) in firings {
                own.values += Double(value)
                own.squares += Double(value) * Double(value)
                for n in 0..<width { own.products[n] += Double(value) * Double(neurons[position][n]) }
            }
            latents[latent] = own
        }
    }

    var best: [Int: BestNeuron] {
        latents.compactMapValues { own in
            let spread = (own.squares - own.values * own.values / count).squareRoot()
            let correlations = sums.indices.map { n in
                (own.products[n] - own.values * sums[n] / count)
                    / (spread * max(squares[n] - sums[n] * sums[n] / count, 0).squareRoot())
            }
            let best = correlations.indices.filter { correlations[$0].isFinite }.max {
                abs(correlations[$0]) < abs(correlations[$1])
            }
            return best.map {
                BestNeuron(number: $0, correlation: correlations[$0], mean: Float(sums[$0] / count))
            }
        }
    }
}
