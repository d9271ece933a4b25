import Foundation

/// y = intercept + slope · x, by least squares.
struct Line {
    let slope, intercept: Double
    /// Share of the variance of y that the line explains.
    let fit: Double

    /// - points: at least two, of different x.
    init(_ points: [(x: Double, y: Double)]) {
        let count = Double(points.count)
        let mean = (x: points.reduce(0) { $0 + $1.x } / count, y: points.reduce(0) { $0 + $1.y } / count)
        func sum(_ term: (Double, Double) -> Double) -> Double {
            points.reduce(0) { $0 + term($1.x - mean.x, $1.y - mean.y) }
        }
        let (xx, xy, yy) = (sum { x, _ in x * x }, sum { $0 * $1 }, sum { _, y in y * y })
        slope = xy / xx
        intercept = mean.y - slope * mean.x
        fit = yy > 0 ? xy * xy / (xx * yy) : 1
    }
}

/// y = factor · x^exponent, by least squares on the logarithms.
struct PowerLaw {
    let exponent, factor: Double
    /// Share of the variance of log y that the law explains.
    let fit: Double

    /// - points: at least two, of different x; those that have no logarithm are left out.
    init(_ points: [(x: Double, y: Double)]) {
        let line = Line(points.filter { $0.x > 0 && $0.y > 0 }.map { (x: log($0.x), y: log($0.y)) })
        (exponent, factor, fit) = (line.slope, exp(line.intercept), line.fit)
    }
}
