import Foundation
import PrismTensor

/// Logistic regression with an L2 penalty, as scikit-learn defines it (C = 1 by default):
///
///     min_{w, b}  C Σ_t log(1 + exp(−s_t (w·x_t + b))) + ½‖w‖²,   s_t = ±1 for inside and outside
///
/// by Newton's method with halved steps, until no step lowers the loss by more than a part in 10¹⁰.
struct LogisticProbe {
    let weights: [Double]
    let intercept: Double

    private static let iterations = 50

    /// - x: [rows, units], few units. labels: whether each row is inside.
    init(_ x: DoubleMatrix, labels: [Bool], c: Double = 1) {
        let width = x.columnCount
        var solution = [Double](repeating: 0, count: width + 1)
        var loss = Self.loss(x, labels, solution, c)
        for _ in 0..<Self.iterations {
            let step = Self.newtonStep(x, labels, solution, c)
            var scale = 1.0
            var next = solution
            var nextLoss = loss
            repeat {
                next = zip(solution, step).map { $0 - scale * $1 }
                nextLoss = Self.loss(x, labels, next, c)
                scale /= 2
            } while nextLoss > loss && scale > 1e-6
            guard nextLoss < loss * (1 - 1e-10) else { break }
            (solution, loss) = (next, nextLoss)
        }
        weights = Array(solution.prefix(width))
        intercept = solution[width]
    }

    /// w·x + b of a row; inside if above zero.
    func score(_ row: ArraySlice<Double>) -> Double { zip(weights, row).reduce(intercept) { $0 + $1.0 * $1.1 } }

    /// Accuracy and F1 on rows.
    func quality(_ x: DoubleMatrix, labels: [Bool]) -> ProbeQuality {
        ProbeQuality(predicted: (0..<x.rowCount).map { score(x.row($0)) > 0 }, labels: labels)
    }

    private static func margins(_ x: DoubleMatrix, _ solution: [Double]) -> [Double] {
        (0..<x.rowCount).map { t in
            zip(solution, x.row(t)).reduce(solution[x.columnCount]) { $0 + $1.0 * $1.1 }
        }
    }

    private static func loss(_ x: DoubleMatrix, _ labels: [Bool], _ solution: [Double], _ c: Double) -> Double {
        let penalty = solution.dropLast().reduce(0) { $0 + $1 * $1 } / 2
        return zip(margins(x, solution), labels).reduce(penalty) { total, row in
            let margin = row.1 ? row.0 : -row.0
            // log(1 + e^−m) without overflow.
            return total + c * (max(0, -margin) + log1p(exp(-abs(margin))))
        }
    }

    /// H⁻¹ ∇ of the loss.
    private static func newtonStep(
        _ x: DoubleMatrix, _ labels: [Bool], _ solution: [Double], _ c: Double
    ) -> [Double] {
        let width = x.columnCount
        var (hessian, gradient) = (DoubleMatrix(width + 1, width + 1), DoubleMatrix(width + 1, 1))
        for i in 0..<width {
            hessian[i, i] = 1
            gradient[i, 0] = solution[i]
        }
        // A constant label leaves the intercept without a curvature.
        hessian[width, width] = 1e-12
        let probabilities = margins(x, solution).map { 1 / (1 + exp(-$0)) }
        let slopes = zip(probabilities, labels).map { c * ($0 - ($1 ? 1 : 0)) }
        let curvatures = probabilities.map { c * $0 * (1 - $0) }
        let weighted = x.scalingRows(by: curvatures)
        let products = x.times(weighted, transposingSelf: true)
        for i in 0..<width {
            for j in 0..<width { hessian[i, j] += products[i, j] }
            for t in 0..<x.rowCount {
                gradient[i, 0] += slopes[t] * x[t, i]
                hessian[i, width] += weighted[t, i]
            }
            hessian[width, i] = hessian[i, width]
        }
        gradient[width, 0] = slopes.reduce(0, +)
        hessian[width, width] += curvatures.reduce(0, +)
        return hessian.solving(gradient).values
    }
}

/// How well a probe tells rows inside a concept from those outside.
public struct ProbeQuality: Codable, Hashable, Sendable {
    public let accuracy, f1: Double

    init(predicted: [Bool], labels: [Bool]) {
        let hits = zip(predicted, labels).count { $0 && $1 }
        accuracy = Double(zip(predicted, labels).count { $0 == $1 }) / Double(max(1, labels.count))
        f1 = 2 * Double(hits) / Double(max(1, predicted.count { $0 } + labels.count { $0 }))
    }
}
