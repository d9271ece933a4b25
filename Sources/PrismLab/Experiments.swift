extension Experiment {
    /// Every experiment, in the order of `prism lab list` and of the report.
    public static let all: [Experiment] = [
        // Toy models
        .pentagon,
        // Capacity and scaling
        .monosemanticBias, .memorisation, .scaling, .compressedComputation, .incidental,
        // Codes and decoders
        // Recovery by dictionaries
        // Superposition on purpose
    ]
}
