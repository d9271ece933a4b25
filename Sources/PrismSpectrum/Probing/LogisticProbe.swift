import Foundation
import PrismDictionaries
import PrismTensor

/// Logistic regression with an L2 penalty, as scikit-learn defines it (C = 1 by default):
///
///     min_{w, b}  C Σ_t γ_t log(1 + exp(−s_t (w·x_t + b))) + ½‖w‖²,   s_t = ±1 for inside and outside
///
/// by Newton's method with halved steps, each found by conjugate gradients (truncated Newton, Dembo and Steihaug 1983), until
/// no step lowers the loss by more than a part in 10¹⁰. γ is 1; balanced, n / (2 n±), as many as there are of either kind.
struct LogisticProbe {
    let weights: [Double]
    let intercept: Double

    private static let (iterations, conjugateSteps) = (50, 200)

    /// - x: [rows, units]. labels: whether each row is inside. isBalanced: let both kinds weigh the same.
    init(_ x: DoubleMatrix, labels: [Bool], c: Double = 1, isBalanced: Bool = false) {
        let problem = Problem(x, labels, c, isBalanced)
        var solution = [Double](repeating: 0, count: x.columnCount + 1)
        var loss = problem.loss(solution)
        for _ in 0..<Self.iterations {
            let step = problem.newtonStep(solution)
            var scale = 1.0
            var (next, nextLoss) = (solution, loss)
            repeat {
                next = zip(solution, step).map { $0 - scale * $1 }
                nextLoss = problem.loss(next)
                scale /= 2
            } while nextLoss > loss && scale > 1e-6
            guard nextLoss < loss * (1 - 1e-10) else { break }
            (solution, loss) = (next, nextLoss)
        }
        weights = Array(solution.dropLast())
        intercept = solution[x.columnCount]
    }

    /// w·x + b of each row; inside if above zero.
    func scores(_ x: DoubleMatrix) -> [Double] { Problem.margins(x, weights + [intercept]) }

    /// Accuracy and F1 on rows.
    func quality(_ x: DoubleMatrix, labels: [Bool]) -> ProbeQuality {
        ProbeQuality(predicted: scores(x).map { $0 > 0 }, labels: labels)
    }

    /// The loss, of a solution (w, b).
    private struct Problem {
        let x: DoubleMatrix
        let labels: [Bool]
        /// C γ of each row.
        let weights: [Double]

        init(_ x: DoubleMatrix, _ labels: [Bool], _ c: Double, _ isBalanced: Bool) {
            (self.x, self.labels) = (x, labels)
            let inside = labels.count { $0 }
            weights = labels.map { label in
                isBalanced ? c * Double(labels.count) / Double(2 * (label ? inside : labels.count - inside)) : c
            }
        }

        static func margins(_ x: DoubleMatrix, _ solution: [Double]) -> [Double] {
            var column = DoubleMatrix(x.columnCount, 1)
            column.values = Array(solution.dropLast())
            let intercept = solution[x.columnCount]
            return x.columnCount == 0
                ? Array(repeating: intercept, count: x.rowCount) : x.times(column).values.map { $0 + intercept }
        }

        func loss(_ solution: [Double]) -> Double {
            let margins = Self.margins(x, solution)
            var total = solution.dropLast().reduce(0) { $0 + $1 * $1 } / 2
            for t in labels.indices {
                let margin = labels[t] ? margins[t] : -margins[t]
                // log(1 + e^−m) without overflow.
                total += weights[t] * (max(0, -margin) + log1p(exp(-abs(margin))))
            }
            return total
        }

        /// (Xᵀ slopes, Σ slopes).
        private func pullBack(_ slopes: [Double]) -> [Double] {
            var column = DoubleMatrix(slopes.count, 1)
            column.values = slopes
            return (x.columnCount == 0 ? [] : x.times(column, transposingSelf: true).values)
                + [slopes.reduce(0, +)]
        }

        /// H⁻¹ ∇ of the loss.
        func newtonStep(_ solution: [Double]) -> [Double] {
            let probabilities = Self.margins(x, solution).map { 1 / (1 + exp(-$0)) }
            let curvatures = zip(probabilities, weights).map { $1 * $0 * (1 - $0) }
            let slopes = labels.indices.map { weights[$0] * (probabilities[$0] - (labels[$0] ? 1 : 0)) }
            let gradient = zip(pullBack(slopes), solution.dropLast() + [0]).map(+)
            var (step, rest, direction) = ([Double](repeating: 0, count: gradient.count), gradient, gradient)
            var square = dot(rest, rest)
            let goal = 1e-16 * square
            for _ in 0..<LogisticProbe.conjugateSteps where square > goal && square > 0 {
                var image = pullBack(zip(Self.margins(x, direction), curvatures).map(*))
                for i in 0..<x.columnCount { image[i] += direction[i] }
                // A constant label leaves the intercept without a curvature.
                image[x.columnCount] += 1e-12 * direction[x.columnCount]
                let length = square / dot(direction, image)
                for i in step.indices {
                    step[i] += length * direction[i]
                    rest[i] -= length * image[i]
                }
                let next = dot(rest, rest)
                for i in direction.indices { direction[i] = rest[i] + next / square * direction[i] }
                square = next
            }
            return step
        }
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
