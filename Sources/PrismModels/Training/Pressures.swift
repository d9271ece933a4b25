import PrismCore
import PrismTensor
import Synchronization

/// What training does to neurons besides making them predict: dropout, and a price of their activity. Both are
/// interventions at the neurons, of one step.
final class Pressures: Sendable {
    private let configuration: LanguageModelConfiguration
    private let step: Int
    private let tokens: Int
    private let sums = Mutex<[Int: Double]>([:])

    /// - tokens: of the whole batch.
    init(_ configuration: LanguageModelConfiguration, step: Int, tokens: Int) {
        self.configuration = configuration
        self.step = step
        self.tokens = max(1, tokens)
    }

    /// Mean over tokens and layers of Σ |neuron|, as seen so far.
    var activity: Double {
        // In the order of the contexts, so that the sum does not depend on threads.
        let total = sums.withLock { sums in sums.sorted { $0.key < $1.key }.reduce(0.0) { $0 + $1.value } }
        return total / Double(tokens * configuration.layers)
    }

    func interventions(layer: Int) -> [Intervention] {
        (configuration.activationSparsity > 0 ? [price(layer)] : [])
            + (configuration.dropout > 0 ? [dropout(layer)] : [])
    }

    /// Adds λ Σ |a| / tokens to the loss: nothing changes but the gradient, by λ sign(a) / tokens.
    private func price(_ layer: Int) -> Intervention {
        let pull = configuration.activationSparsity / Float(tokens)
        return Intervention(at: .neurons(layer: layer)) { activation, contexts in
            for context in contexts {
                let rows = activation.rows(context.rows)
                let sum = (0..<rows.count).reduce(0.0) { $0 + Double(abs(rows.data[$1])) }
                self.sums.withLock { $0[context.index * self.configuration.layers + layer] = sum }
            }
        } pullback: { gradient, activation, _ in
            for i in 0..<gradient.count where activation.data[i] != 0 {
                gradient.data[i] += activation.data[i] > 0 ? pull : -pull
            }
        }
    }

    /// Multiplies by 0 with probability p, else by 1 / (1 − p). The draws follow from seed, step, layer and context, so that
    /// the way back sees the same.
    private func dropout(_ layer: Int) -> Intervention {
        let (p, seed, step) = (configuration.dropout, configuration.seed, step)
        @Sendable func drop(_ x: Tensor, _ contexts: [ContextRows]) {
            for context in contexts {
                var random = SeededGenerator(seed: seed, stream: "dropout \(step) \(layer) \(context.index)")
                let rows = x.rows(context.rows)
                for i in 0..<rows.count { rows.data[i] *= random.uniform() < p ? 0 : 1 / (1 - p) }
            }
        }
        return Intervention(at: .neurons(layer: layer), apply: drop) { gradient, _, contexts in drop(gradient, contexts)
        }
    }
}
