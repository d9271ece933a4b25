extension Experiment {
    /// Every experiment, in the order of `prism lab list` and of the report.
    public static let all: [Experiment] = [
        // Toy models
        .pentagon, .polytopes, .phase21, .phase32, .geometry, .dynamics,
        // Capacity and scaling
        .capacity,
        // Codes and decoders
        .welch, .donohoTanner, .compressedSensing, .codes,
        // Recovery by dictionaries
        .recovery, .recoveryFailures,
        // Superposition on purpose
        .featuresPerNeuron,
    ]
}
