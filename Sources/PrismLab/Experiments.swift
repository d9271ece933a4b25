extension Experiment {
    /// Every experiment, in the order of `prism lab list` and of the report.
    public static let all: [Experiment] = [
        welch, donohoTanner, compressedSensing, codes,
    ]
}
