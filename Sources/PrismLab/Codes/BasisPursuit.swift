import PrismDictionaries
import PrismTensor

/// The code of least length among those that give h exactly (Chen, Donoho and Saunders 1998):
///
///     min ‖z‖₁  with  Wᵀz = h,  z ≥ 0 or of either sign;  its dual:  max ν · h  with  wᵢ · ν ≤ 1, or |wᵢ · ν| ≤ 1
///
/// solved by **homotopy** (Osborne, Presnell and Turlach 2000): from λ = max |wᵢ · h|, where z = 0 solves
/// min ½‖h − Wᵀz‖² + λ‖z‖₁, down to λ = 0. In between z moves along straight lines, z_S ← z_S + γ (W_S W_Sᵀ)⁻¹ s, on which all
/// features of the support S keep wᵢ · r = λ sᵢ; a line ends where a feature outside reaches λ and joins, or one inside
/// reaches zero and leaves. The end is exact, and its ν proves it.
package struct BasisPursuit: Sendable {
    package struct Solution {
        /// z, [features].
        package let z: [Double]
        /// ν, [hidden].
        package let dual: [Double]
    }

    private let code: Code
    /// Wᵀ, [hidden, features].
    private let columns: DoubleMatrix
    private let isSigned: Bool

    package init(_ code: Code, signed: Bool) {
        self.code = code
        isSigned = signed
        var columns = DoubleMatrix(code.hiddenCount, code.featureCount)
        for i in 0..<code.featureCount { for c in 0..<code.hiddenCount { columns[c, i] = code.vectors[i, c] } }
        self.columns = columns
    }

    /// - h: a sum of the code's vectors, [hidden].
    package func solve(_ h: [Double]) -> Solution {
        var path = Path(code, c: correlations(h))
        var lambda = path.c.map(gain).max() ?? 0
        var dual = [Double](repeating: 0, count: h.count)
        guard lambda > 0 else { return Solution(z: path.z, dual: dual) }
        let signs = isSigned ? [1.0, -1] : [1]
        // On the last line all wᵢ · r go to zero together with λ, and which comes first there is a matter of rounding.
        let floor = 1e-9 * lambda
        path.join(path.c.indices.max { gain(path.c[$0]) < gain(path.c[$1]) }!)
        var left: (feature: Int, sign: Double)?
        // Where several features reach λ at once, lines of no length could follow each other for ever.
        for _ in 0..<Self.linesPerDimension * code.hiddenCount {
            let direction = path.factor.solve(path.signs)
            dual = combination(path.support, direction)
            let slopes = correlations(dual)
            var (reach, event) = (lambda, Event.end)
            for i in slopes.indices where path.isOpen[i] {
                // wᵢ · r falls by γ slopeᵢ while λ falls by γ. What has just left starts at λ and goes inside.
                for sign in signs where sign * slopes[i] < 1 && !(left?.feature == i && left?.sign == sign) {
                    let step = max(0, lambda - sign * path.c[i]) / (1 - sign * slopes[i])
                    if step < min(reach, lambda - floor) { (reach, event) = (step, .joins(i)) }
                }
            }
            for (place, i) in path.support.enumerated() where path.signs[place] * direction[place] < 0 {
                let step = -path.z[i] / direction[place]
                if step < min(reach, lambda - floor) { (reach, event) = (step, .leaves(place)) }
            }
            for (place, i) in path.support.enumerated() { path.z[i] += reach * direction[place] }
            for i in slopes.indices { path.c[i] -= reach * slopes[i] }
            lambda -= reach
            left = nil
            switch event {
            case .end: return Solution(z: path.z, dual: dual)
            case .joins(let i): path.join(i)
            case .leaves(let place): left = path.leave(place)
            }
        }
        return Solution(z: path.z, dual: dual)
    }

    private static let linesPerDimension = 50

    private enum Event { case end, joins(Int), leaves(Int) }

    /// What a feature's wᵢ · r counts against λ.
    private func gain(_ c: Double) -> Double { isSigned ? abs(c) : c }

    /// W v, [features]. - v: [hidden].
    private func correlations(_ v: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: code.featureCount)
        columns.values.withUnsafeBufferPointer { columns in
            for c in v.indices {
                let (column, weight) = (columns.baseAddress! + c * result.count, v[c])
                for i in result.indices { result[i] += weight * column[i] }
            }
        }
        return result
    }

    /// Σ weightᵢ wᵢ of the support, [hidden].
    private func combination(_ support: [Int], _ weights: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: code.hiddenCount)
        for (i, weight) in zip(support, weights) {
            for (c, value) in code.vectors.row(i).enumerated() { result[c] += weight * value }
        }
        return result
    }
}

/// Where a homotopy stands.
private struct Path {
    private let code: Code
    /// z; wᵢ · r of all features, [features].
    var z, c: [Double]
    /// S, the signs s of its features, and the Cholesky factor of W_S W_Sᵀ.
    private(set) var support: [Int] = []
    private(set) var signs: [Double] = []
    private(set) var factor = CholeskyFactor()
    /// Whether a feature may join: it is not in the support, and no sum of what is.
    private(set) var isOpen: [Bool]

    init(_ code: Code, c: [Double]) {
        self.code = code
        self.c = c
        z = [Double](repeating: 0, count: c.count)
        isOpen = [Bool](repeating: true, count: c.count)
    }

    mutating func join(_ i: Int) {
        isOpen[i] = false
        let vector = code.vectors.row(i)
        func product(_ j: Int) -> Double { zip(code.vectors.row(j), vector).reduce(0) { $0 + $1.0 * $1.1 } }
        guard factor.append(support.map(product), diagonal: product(i)) else { return }
        support.append(i)
        signs.append(c[i] < 0 ? -1 : 1)
    }

    mutating func leave(_ place: Int) -> (feature: Int, sign: Double) {
        let (i, sign) = (support.remove(at: place), signs.remove(at: place))
        factor.remove(at: place)
        z[i] = 0
        isOpen[i] = true
        return (i, sign)
    }
}
