import PrismCore
import PrismTensor
import Testing

@testable import PrismLab

/// E (x₀ − ReLU(Σ cⱼ xⱼ + b))² the slow way: every active set, and for it a grid of midpoints over all values.
func integratedLoss(_ coefficients: [Double], bias: Double, density p: Double, least: Double = 0, points: Int = 60)
    -> Double
{
    func sum(_ index: Int, _ x0: Double, _ y: Double) -> Double {
        if index == coefficients.count {
            let difference = x0 - max(0, y)
            return difference * difference
        }
        func next(_ x: Double) -> Double { sum(index + 1, index == 0 ? x : x0, y + coefficients[index] * x) }
        let active = (0..<points).reduce(0) { $0 + next(least + (1 - least) * (Double($1) + 0.5) / Double(points)) }
        return (1 - p) * next(0) + p * active / Double(points)
    }
    return sum(0, 0, bias)
}

@Suite struct ExactLossTests {
    /// Own coefficient, those of others, bias last.
    static let cases: [[Double]] = [
        [1, 0], [0.8, 0.1], [1, -1, 0], [1.1, -1, -0.2], [1, 0.5, 0.3], [1, -0.5, -0.5, 0], [1.3, 0.4, -1.05, -0.25],
        [1, 0, -0.3, 0.1], [0, 0.3], [0, -0.5, 0.7, 0.1], [1.2, 0.02, -0.9, 0.3, -0.1],
    ]

    @Test(arguments: cases, [ActiveValues.uniform, ActiveValues(least: 0.6)])
    func equalsTheIntegral(_ numbers: [Double], _ values: ActiveValues) {
        let (coefficients, bias) = (Array(numbers.dropLast()), numbers.last!)
        for density in [0.05, 0.5, 1] {
            let exact = ExactLoss(own: coefficients[0], others: Array(coefficients.dropFirst()), bias: bias)
                .value(density: density, values: values)
            let integral = integratedLoss(coefficients, bias: bias, density: density, least: values.least)
            // Midpoints err by 1/24 of a squared spacing times a second derivative of at most 2 (1 + Σ c²) < 10.
            #expect(abs(exact - integral) < 2e-4)
        }
    }

    /// A model of three features, one of them hardly represented, against as many samples as make the sum certain.
    @Test func aModelsExactLoss() throws {
        var configuration = PhaseOracle.configuration(importance: 0.5, density: 0.3, hidden: 2, seed: 1)
        configuration.features.least = 0.2
        let model = try ToyModel(configuration)
        model.set(
            embeddings: Tensor(shape: [3, 2], [1, 0.1, -0.8, 0.3, 0, 0.005]), outputBias: [-0.05, 0.1, 0.2])
        let sampled = model.loss(on: configuration.features.samples(400_000, seed: 1, stream: "exact loss"))
        // Errors are below 1, and so is their deviation: 4 / √400000 of the three together, at the very most.
        #expect(abs(model.exactLoss - sampled) < 0.006)
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
