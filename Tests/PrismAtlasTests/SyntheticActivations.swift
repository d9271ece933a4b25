import PrismCore
import PrismTensor

/// Contexts of random tokens with random latents: heavy-tailed densities and activations that grow, so that histograms widen.
struct SyntheticActivations {
    struct Context {
        let tokens: [Int32]
        let document: Int
        let positions: [Int]
        /// Per position, ascending by latent.
        let rows: [[(latent: Int, value: Float)]]
    }

    let latentCount: Int
    let contexts: [Context]

    init(latents: Int, contexts: Int, length: Int, active: Int, documents: Int = 5, seed: UInt64 = 1) {
        var generator = SeededGenerator(seed: seed, stream: "synthetic activations")
        latentCount = latents
        self.contexts = (0..<contexts).map { context in
            let tokens = (0..<length).map { _ in Int32(generator.next() % 50) }
            let rows = (1..<max(length, 1)).map { _ in
                // Low numbers fire often, high ones rarely; a set, as a latent fires once per token.
                let chosen = Set(
                    (0..<active).map { _ in
                        let u = generator.uniform()
                        return min(latents - 1, Int(Float(latents) * u * u * u))
                    })
                return chosen.sorted().map { latent in
                    let u = max(generator.uniform(), 1e-6)
                    let growth = 1 + 4 * Float(context) / Float(contexts)
                    return (latent, Float(1 + latent % 3) * growth * u * u / (1.05 - u))
                }
            }
            return Context(
                tokens: tokens, document: context % documents, positions: Array(1..<max(length, 1)), rows: rows)
        }
    }

    static func codes(_ rows: [[(latent: Int, value: Float)]]) -> SparseCodes {
        let slots = max(rows.map(\.count).max() ?? 0, 1)
        let codes = SparseCodes(rowCount: rows.count, slots: slots)
        for (r, row) in rows.enumerated() {
            codes.counts[r] = Int32(row.count)
            for (slot, entry) in row.enumerated() {
                codes.indices[r * slots + slot] = Int32(entry.latent)
                codes.values[r * slots + slot] = entry.value
            }
        }
        return codes
    }
}
