import Foundation

/// y = factor · x^exponent, by least squares on the logarithms.
struct PowerLaw {
    let exponent, factor: Double
    /// Share of the variance of log y that the law explains.
    let fit: Double

    /// - points: at least two, of different x; those that have no logarithm are left out.
    init(_ points: [(x: Double, y: Double)]) {
        let logs = points.filter { $0.x > 0 && $0.y > 0 }.map { (x: log($0.x), y: log($0.y)) }
        let count = Double(logs.count)
        let mean = (x: logs.reduce(0) { $0 + $1.x } / count, y: logs.reduce(0) { $0 + $1.y } / count)
        func sum(_ term: (Double, Double) -> Double) -> Double {
            logs.reduce(0) { $0 + term($1.x - mean.x, $1.y - mean.y) }
        }
        let (xx, xy, yy) = (sum { x, _ in x * x }, sum { $0 * $1 }, sum { _, y in y * y })
        exponent = xy / xx
        factor = exp(mean.y - exponent * mean.x)
        fit = yy > 0 ? xy * xy / (xx * yy) : 1
    }
}
