import Foundation

/// The share of successes as it rises or falls, p(x) = 1 / (1 + exp(−(a + b x))), by maximum likelihood (Newton's steps).
package struct LogisticFit {
    /// Where half of the trials succeed, −a / b.
    package let midpoint: Double

    /// - points: places with successes out of trials.
    package init(_ points: [(x: Double, successes: Int, trials: Int)]) {
        let centre = points.reduce(0) { $0 + $1.x } / Double(points.count)
        let spread = (points.reduce(0) { $0 + ($1.x - centre) * ($1.x - centre) } / Double(points.count)).squareRoot()
        var (a, b) = (0.0, 0.0)
        for _ in 0..<50 {
            // A penalty of 10⁻³ b² / 2 keeps the slope finite where shares jump from 0 to 1.
            var (ga, gb, haa, hab, hbb) = (0.0, -1e-3 * b, 1e-9, 0.0, 1e-3)
            for point in points {
                let x = (point.x - centre) / spread
                let p = 1 / (1 + exp(-(a + b * x)))
                let (rest, weight) = (
                    Double(point.successes) - Double(point.trials) * p, Double(point.trials) * p * (1 - p)
                )
                ga += rest
                gb += rest * x
                haa += weight
                hab += weight * x
                hbb += weight * x * x
            }
            let determinant = haa * hbb - hab * hab
            // Half steps where a whole one would overshoot.
            let (da, db) = ((hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant)
            let scale = min(1, 2 / max(abs(da), abs(db), 1e-12))
            a += scale * da
            b += scale * db
        }
        midpoint = centre - spread * a / b
    }
}
