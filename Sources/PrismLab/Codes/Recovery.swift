import PrismCore
import PrismTensor

/// Whether basis pursuit finds sparse codes again that a Gaussian code has written.
struct Recovery {
    let features: Int
    let hidden: Int
    let active: Int
    let isSigned: Bool

    /// How many of `trials` codes come back exactly. One Gaussian code serves eight of them.
    func successes(of trials: Int, seed: UInt64, workers: Workers) -> Int {
        workers.map(trials, by: 8) { _, range in
            var generator = SeededGenerator(
                seed: seed, stream: "recovery/\(features)/\(hidden)/\(active)/\(isSigned)/\(range.lowerBound)")
            let code = Code.gaussian(features: features, hidden: hidden, &generator)
            let pursuit = BasisPursuit(code, signed: isSigned)
            let signals = SparseSignals(
                range.count, features: features, active: active, signed: isSigned, &generator)
            let written = signals.written(with: code)
            return (0..<range.count).count { t in
                // Double precision leaves some 10⁻¹², a wrong support some tenths.
                zip(pursuit.solve(Array(written.row(t))).z, signals.z.row(t)).allSatisfy { abs($0 - $1) < 1e-6 }
            }
        }.reduce(0, +)
    }

    /// Where half of the trials succeed along a range of widths or of sparsities, by a logistic fit.
    static func midpoint(
        of settings: [(x: Double, recovery: Recovery)], trials: Int, seed: UInt64, workers: Workers
    ) -> (midpoint: Double, shares: [(x: Double, y: Double)]) {
        let counts = settings.map {
            (x: $0.x, successes: $0.recovery.successes(of: trials, seed: seed, workers: workers), trials: trials)
        }
        return (LogisticFit(counts).midpoint, counts.map { ($0.x, Double($0.successes) / Double(trials)) })
    }
}
