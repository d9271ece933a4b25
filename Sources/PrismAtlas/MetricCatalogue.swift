/// The metrics that a report knows by name: where they stand, how they read, what they mean.
enum MetricCatalogue {
    struct Entry {
        let name: String
        let label: String
        let format: ReportSection.NumberFormat
        let definition: String
    }

    struct Group {
        let heading: String
        let entries: [Entry]
    }

    static let groups: [Group] = [
        Group(
            heading: "Reconstruction",
            entries: [
                Entry(name: "l0", label: "L0", format: .number, definition: "Mean number of active latents per token."),
                Entry(
                    name: "fvu", label: "FVU", format: .number,
                    definition:
                        "Fraction of variance unexplained: Σ‖x−x̂‖² / Σ‖x−x̄‖², x̄ the mean over the held-out tokens. 0 is perfect."
                ),
                Entry(
                    name: "cosine", label: "Cosine", format: .number,
                    definition: "Mean cosine of activation x and reconstruction x̂. 1 is perfect."),
                Entry(
                    name: "gamma", label: "γ", format: .number,
                    definition: "Relative reconstruction bias E‖x̂‖² / E[x·x̂]: 1 is unbiased, below 1 is shrinkage."),
                Entry(
                    name: "mse", label: "MSE", format: .number,
                    definition:
                        "Mean ‖x−x̂‖² per token: a sum over dimensions, not a mean, in squared units of the activation."),
                Entry(
                    name: "mse_per_dimension", label: "MSE per dimension", format: .number,
                    definition: "MSE divided by the width of the activation."),
                Entry(
                    name: "normalized_mse", label: "Normalised MSE", format: .number,
                    definition:
                        "Σ‖x−x̂‖² / Σ‖x‖². Below FVU wherever activations share a mean, as it credits the mean too. One minus it is what SAEBench 0.6 calls explained variance."
                ),
            ]),
        Group(
            heading: "Latents",
            entries: [
                Entry(
                    name: "dead_fraction", label: "Dead", format: .percent,
                    definition: "Share of latents that never fired on the held-out tokens."),
                Entry(
                    name: "dense_fraction", label: "Dense", format: .percent,
                    definition: "Share of latents that fire on more than 10% of the tokens."),
            ]),
        Group(
            heading: "Against the known features",
            entries: [
                Entry(
                    name: "mcc", label: "MCC", format: .number,
                    definition:
                        "Mean |cos| of latents and features after the one-to-one matching with the largest sum. 1 is perfect."
                ),
                Entry(
                    name: "mmcs", label: "MMCS", format: .number,
                    definition:
                        "Mean over features of the largest |cos| to a latent. Duplicate latents do not lower it."),
                Entry(
                    name: "f1", label: "F1", format: .number,
                    definition:
                        "Mean F1 of the latents, each as a detector of the feature with the nearest direction; 0 for dead ones."
                ),
                Entry(
                    name: "precision", label: "Precision", format: .number,
                    definition: "Mean share of a latent's firings at which its feature is active."),
                Entry(
                    name: "recall", label: "Recall", format: .number,
                    definition: "Mean share of the occurrences of a latent's feature at which the latent fires."),
                Entry(
                    name: "uniqueness", label: "Uniqueness", format: .percent,
                    definition: "Different features that are nearest to some latent, over latents."),
                Entry(
                    name: "features_recovered", label: "Recovered", format: .percent,
                    definition: "Share of the features with a latent at |cos| ≥ 0.9."),
            ]),
        Group(
            heading: "Cross-entropy of the model, nats per token",
            entries: [
                Entry(name: "ce_clean", label: "Clean", format: .number, definition: "The model as it is."),
                Entry(
                    name: "ce_spliced", label: "Spliced", format: .number,
                    definition: "With the reconstruction x̂ in place of x at the hook point."),
                Entry(
                    name: "ce_mean", label: "Mean-ablated", format: .number,
                    definition: "With the mean activation in place of x at the hook point."),
                Entry(
                    name: "ce_zero", label: "Zero-ablated", format: .number,
                    definition: "With zeros in place of x at the hook point."),
            ]),
        Group(
            heading: "Faithfulness",
            entries: [
                Entry(
                    name: "delta_ce", label: "ΔCE", format: .number,
                    definition: "CE spliced − CE clean, nats per token. 0 is perfect."),
                Entry(
                    name: "kl", label: "KL", format: .number,
                    definition: "KL(clean ‖ spliced) of the next-token distributions, nats per token."),
                Entry(
                    name: "loss_recovered_mean", label: "Loss recovered, mean", format: .percent,
                    definition:
                        "(CE mean-ablated − CE spliced) / (CE mean-ablated − CE clean): the stricter of the two."),
                Entry(
                    name: "loss_recovered_zero", label: "Loss recovered, zero", format: .percent,
                    definition:
                        "(CE zero-ablated − CE spliced) / (CE zero-ablated − CE clean). Zero-ablation flatters: read it beside KL."
                ),
            ]),
    ]

    /// The run's metrics as groups of figures; what the catalogue does not know comes last, by name.
    static func figures(_ metrics: [String: RunSummary.Metric]) -> [ReportSection.Part] {
        var unknown = metrics
        var parts: [ReportSection.Part] = groups.compactMap { group in
            let figures = group.entries.compactMap { entry -> ReportSection.Figure? in
                guard var metric = unknown.removeValue(forKey: entry.name) else { return nil }
                metric.definition = metric.definition ?? entry.definition
                return .init(label: entry.label, metric: metric, format: entry.format)
            }
            return figures.isEmpty ? nil : .figures(heading: group.heading, items: figures)
        }
        if !unknown.isEmpty {
            let figures = unknown.sorted { $0.key < $1.key }.map {
                ReportSection.Figure(label: $0.key, metric: $0.value)
            }
            parts.append(.figures(heading: "Further", items: figures))
        }
        return parts
    }
}
