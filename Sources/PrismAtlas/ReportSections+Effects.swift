import Foundation
import PrismCore

extension ReportSections {
    /// What latents do to the model's predictions: medians beside controls, and the latents whose absence is felt most.
    /// - Returns: nil where it was not measured.
    static func effects(_ effects: [Int: LatentEffect]) -> ReportSection? {
        let all = effects.values.sorted { $0.latent < $1.latent }
        guard !all.isEmpty else { return nil }
        func row(_ name: String, _ consequences: [LatentEffect.Consequence]) -> [String] {
            func median(_ value: (LatentEffect.Consequence) -> Double) -> String {
                number(consequences.map(value).median)
            }
            return [
                name, median(\.divergenceActive), median(\.divergenceElsewhere), median(\.lossActive),
                median(\.lossElsewhere),
                (100 * consequences.map(\.locality).median).formatted(.number.precision(.fractionLength(0))) + "%",
            ]
        }
        var rows = [
            row("latents, taken away", all.map(\.ablated)), row("latents, doubled", all.map(\.doubled)),
            row("random directions of the same length", all.map(\.random)),
        ]
        let neurons = all.compactMap(\.neuron)
        if !neurons.isEmpty { rows.append(row("their best neurons, held at the mean", neurons.map(\.consequence))) }
        let strongest = all.sorted { $0.ablated.divergenceActive > $1.ablated.divergenceActive }.prefix(20)
        let agreements = all.compactMap(\.directAgreement)
        return ReportSection(
            title: "What latents do",
            lead: """
                \(all.count) latents were taken away, doubled, and set beside controls where they are active in held-out text; \
                KL(clean ‖ changed) and the change of loss are in nats a token, medians over latents. Local is the share of \
                the divergence that falls on tokens where the latent is active.\(agreements.isEmpty
                    ? "" : " What its absence does to log p agrees with the direct effect of its decoder row by r = \(number(agreements.median)).")
                """,
            parts: [
                .table(
                    columns: [
                        "change", "KL where active", "KL elsewhere", "loss where active", "loss elsewhere", "local",
                    ],
                    rows: rows),
                .table(
                    columns: [
                        "latent", "KL where active", "loss where active", "local", "without it less likely",
                        "more likely",
                    ],
                    rows: strongest.map { effect in
                        func tokens(_ shifts: [LatentEffect.Shift]) -> String {
                            shifts.prefix(4).map { $0.token.trimmingCharacters(in: .whitespaces) }.joined(
                                separator: " · ")
                        }
                        return [
                            "\(effect.latent)", number(effect.ablated.divergenceActive),
                            number(effect.ablated.lossActive),
                            (100 * effect.ablated.locality).formatted(.number.precision(.fractionLength(0))) + "%",
                            tokens(effect.fallen), tokens(effect.risen),
                        ]
                    }, links: strongest.map { "#/latent/\($0.latent)" }),
            ])
    }

    private static func number(_ value: Double) -> String {
        value.formatted(.number.precision(.significantDigits(1...2))).replacing("-", with: "−")
    }
}
