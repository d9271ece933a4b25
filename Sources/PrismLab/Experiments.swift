extension Experiment {
    /// Every experiment, in the order of `prism lab list` and of the report.
    public static let all: [Experiment] = [
        // Toy models
        .pentagon, .superposition, .perturbedPentagon, .correlated, .collapse,
        .privilegedBasis, .absoluteValue, .adversarial, .weightDecay,
        // Capacity and scaling
        // Codes and decoders
        // Recovery by dictionaries
        // Superposition on purpose
    ]
}
