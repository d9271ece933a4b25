extension [Double] {
    /// NaN of none.
    package var mean: Double { reduce(0, +) / Double(count) }

    /// NaN of none.
    package var median: Double {
        guard !isEmpty else { return .nan }
        let sorted = sorted()
        return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
    }
}
