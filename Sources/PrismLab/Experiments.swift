extension Experiment {
    /// Every experiment, in the order of `prism lab list` and of the report.
    public static let all: [Experiment] = [
        // Toy models
        .pentagon, .superposition, .geometry, .polytopes, .phase21, .phase32, .perturbedPentagon, .correlated,
        .collapse,
        .privilegedBasis, .absoluteValue, .adversarial, .dynamics, .weightDecay,
        // Capacity and scaling
        .capacity, .monosemanticBias, .memorisation, .scaling, .universalAND, .compressedComputation, .incidental,
        // Codes and decoders
        .welch, .donohoTanner, .compressedSensing, .codes,
        // Recovery by dictionaries
        .recovery, .recoveryFailures,
        // Superposition on purpose
        .featuresPerNeuron, .bitsPerParameter, .lossWidth, .quantisation, .robustnessPrice, .densityCliff,
        .monosemanticityPrice,
    ]
}
