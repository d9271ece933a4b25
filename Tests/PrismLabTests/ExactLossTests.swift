import PrismCore
import Testing

@testable import PrismLab

/// E (x₀ − ReLU(Σ cⱼ xⱼ + b))² the slow way: every active set, and for it a grid of midpoints over all values.
func integratedLoss(_ coefficients: [Double], bias: Double, density p: Double, points: Int = 60) -> Double {
    func sum(_ index: Int, _ x0: Double, _ y: Double) -> Double {
        if index == coefficients.count {
            let difference = x0 - max(0, y)
            return difference * difference
        }
        func next(_ x: Double) -> Double { sum(index + 1, index == 0 ? x : x0, y + coefficients[index] * x) }
        let active = (0..<points).reduce(0) { $0 + next((Double($1) + 0.5) / Double(points)) }
        return (1 - p) * next(0) + p * active / Double(points)
    }
    return sum(0, 0, bias)
}

@Suite struct ExactLossTests {
    @Test(arguments: [
        ([1.0], 0.0), ([0.8], 0.1), ([1, -1], 0), ([1.1, -1], -0.2), ([1, 0.5], 0.3), ([1, -0.5, -0.5], 0),
        ([1.3, 0.4, -1.05], -0.25), ([1, 0, -0.3], 0.1), ([1.2, 0.02, -0.9, 0.3], -0.1),
    ])
    func equalsTheIntegral(_ coefficients: [Double], _ bias: Double) {
        for density in [0.05, 0.5, 1] {
            let exact = ExactLoss(own: coefficients[0], others: Array(coefficients.dropFirst()), bias: bias)
            // Midpoints err by 1/24 of a squared spacing times a second derivative of at most 2 (1 + Σ c²) < 10.
            #expect(
                abs(exact.value(density: density) - integratedLoss(coefficients, bias: bias, density: density)) < 2e-4)
        }
    }

    /// A pentagon's loss against a sample of half a million.
    @Test func equalsASample() {
        let vertices = Polytope.pentagon.vertices
        let cosines = vertices.times(vertices, transposingOther: true).row(0).dropFirst().map { $0 * 1.2 }
        var generator = SeededGenerator(seed: 3, stream: "sample")
        var (sum, squares) = (0.0, 0.0)
        let count = 500_000
        func draw() -> Double {
            generator.uniform() < 0.3 ? Double(generator.uniform()) : 0
        }
        for _ in 0..<count {
            let x = draw()
            let y = cosines.reduce(1.2 * x - 0.2) { $0 + $1 * draw() }
            let error = (x - max(0, y)) * (x - max(0, y))
            sum += error
            squares += error * error
        }
        let mean = sum / Double(count)
        let deviation = ((squares / Double(count) - mean * mean) / Double(count)).squareRoot()
        let exact = ExactLoss(own: 1.2, others: cosines, bias: -0.2).value(density: 0.3)
        // Four standard errors of the sample's mean.
        #expect(abs(exact - mean) < 4 * deviation)
    }

    /// Rosenbrock's valley, whose least value is 0 at (1, 1).
    @Test func theMinimumOfAValleyIsFound() {
        let minimum = Minimum(near: [-1.2, 1], rounds: 1000) {
            100 * ($0[1] - $0[0] * $0[0]) * ($0[1] - $0[0] * $0[0]) + (1 - $0[0]) * (1 - $0[0])
        }
        // It stops when the corners' values differ by less than 1e-13, so x is known to its square root.
        #expect(minimum.value < 1e-11 && abs(minimum.point[0] - 1) < 1e-5)
    }
}
