/// What replacing an activation does to the model's predictions, summed over one context.
public struct SpliceTally: Sendable {
    /// Tokens that were predicted.
    public internal(set) var tokens = 0
    /// Σ cross-entropy in nats: of the clean model, with the dictionary's reconstruction spliced in, with zeros, with the
    /// mean activation; and Σ KL(clean ‖ spliced).
    var clean = 0.0, spliced = 0.0, zero = 0.0, mean = 0.0, divergence = 0.0

    public init() {}

    /// The metrics over contexts: `ce_clean`, `ce_spliced`, `ce_zero`, `ce_mean`, `kl` in nats a token, `delta_ce` =
    /// spliced − clean, and for either ablation loss recovered = (ablated − spliced) / (ablated − clean).
    public static func estimates(_ tallies: [SpliceTally], _ bootstrap: Bootstrap) -> [String: Estimate] {
        func ratio(_ over: @escaping (SpliceTally) -> Double, _ under: @escaping (SpliceTally) -> Double) -> Estimate {
            bootstrap.estimate { weights in
                let sums = zip(weights, tallies).reduce((0.0, 0.0)) {
                    ($0.0 + Double($1.0) * over($1.1), $0.1 + Double($1.0) * under($1.1))
                }
                return sums.0 / sums.1
            }
        }
        let tokens = { (tally: SpliceTally) in Double(tally.tokens) }
        return [
            "ce_clean": ratio(\.clean, tokens), "ce_spliced": ratio(\.spliced, tokens),
            "ce_zero": ratio(\.zero, tokens), "ce_mean": ratio(\.mean, tokens), "kl": ratio(\.divergence, tokens),
            "delta_ce": ratio({ $0.spliced - $0.clean }, tokens),
            "loss_recovered_zero": ratio({ $0.zero - $0.spliced }, { $0.zero - $0.clean }),
            "loss_recovered_mean": ratio({ $0.mean - $0.spliced }, { $0.mean - $0.clean }),
        ]
    }
}
