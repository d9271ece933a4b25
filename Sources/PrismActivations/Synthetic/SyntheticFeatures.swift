import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// The true features of synthetic activations: everything drawn once, before the first vector.
public struct SyntheticFeatures: Sendable {
    public let configuration: SyntheticConfiguration
    /// dᵢ, unit vectors, [features, width].
    public let directions: Tensor
    /// b, [width].
    public let bias: Tensor
    /// How often each shall be active, [features]. Mutual exclusion and correlation let that hold only nearly.
    public let frequencies: [Float]
    /// How likely each is active where its parent is, before exclusion, [features].
    package let probabilities: [Float]
    /// μᵢ and σᵢ of the values of active features, [features].
    public let means: [Float]
    package let deviations: [Float]
    /// The feature without which this one is not active, −1 for none, always one with a lower number; [features].
    public let parents: [Int32]
    /// Whether at most one child of this feature is active at a time, [features].
    package let exclusive: [Bool]
    /// fᵢ of the copula, [features, rank]; rank 0 without correlation.
    package let factors: Tensor

    /// Draws the features.
    public init(_ configuration: SyntheticConfiguration, workers: Workers = Workers()) throws {
        try configuration.validate()
        self.configuration = configuration
        let count = configuration.features
        func generator(_ use: String) -> SeededGenerator {
            SeededGenerator(seed: configuration.seed, stream: "synthetic \(use)")
        }

        let directions = Tensor(count, configuration.width)
        var draw = generator("directions")
        for i in 0..<directions.count { directions.data[i] = draw.normal() }
        directions.normaliseRows()
        for _ in 0..<configuration.orthogonalisation { Self.orthogonalise(directions, workers) }
        self.directions = directions

        bias = Tensor(1, configuration.width)
        draw = generator("bias")
        for i in 0..<bias.count { bias.data[i] = draw.normal() }
        bias.normaliseRows()
        for i in 0..<bias.count { bias.data[i] *= Float(configuration.bias) }

        let magnitudes = configuration.magnitudes
        means = (0..<count).map {
            let share = Double($0) / Double(max(1, count - 1))
            return Float(magnitudes.meanOfFirst + share * (magnitudes.meanOfLast - magnitudes.meanOfFirst))
        }
        draw = generator("deviations")
        deviations = (0..<count).map { _ in
            abs(Float(magnitudes.deviation) + Float(magnitudes.deviationSpread) * draw.normal())
        }

        let correlation = configuration.correlation ?? .init(rank: 0, scale: 0)
        factors = Tensor(count, correlation.rank)
        draw = generator("correlation")
        for i in 0..<count {
            for c in 0..<correlation.rank { factors[i][c] = Float(correlation.scale) * draw.normal() }
            // What is common must leave something of its own to each feature.
            let norm = factors.norm(ofRow: i)
            if norm * norm > 0.99 { for c in 0..<correlation.rank { factors[i][c] *= Float(0.99).squareRoot() / norm } }
        }

        let targets = configuration.targetFrequencies
        frequencies = targets.map(Float.init)
        let forest = configuration.hierarchy.map { Forest($0, count: count) } ?? Forest(count: count)
        parents = forest.parents
        var parentsOfSeveral = forest.children.indices.filter { forest.children[$0].count > 1 }
        draw = generator("exclusion")
        parentsOfSeveral.shuffle(using: &draw)
        var exclusive = [Bool](repeating: false, count: count)
        let share = configuration.hierarchy?.exclusiveShare ?? 0
        for i in parentsOfSeveral.prefix(Int(share * Double(parentsOfSeveral.count))) { exclusive[i] = true }
        self.exclusive = exclusive
        probabilities = forest.conditionalProbabilities(targets, exclusive: exclusive)
    }

    /// One step towards the least Σᵢ≠ⱼ (dᵢ·dⱼ)² that unit vectors can have: the paper's objective, which depends on the
    /// directions D only through DᵀD, [width, width]. D ← normalised(D − η (D DᵀD − D)); this η makes singular values
    /// converge quadratically to their common end, as in Newton and Schulz's iteration.
    private static func orthogonalise(_ directions: Tensor, _ workers: Workers) {
        let (count, width) = (directions.rowCount, directions.rowWidth)
        let (transposed, gram) = (Tensor(width, count), Tensor(width, width))
        for i in 0..<count { for c in 0..<width { transposed[c][i] = directions[i][c] } }
        let backend = CPUBackend()
        workers.forEachRange(width, by: 64) { _, rows in
            backend.multiply(transposed.rows(rows), by: directions, transposed: false, into: gram.rows(rows))
        }
        let rate = 1 / (3 * max(1, Float(count) / Float(width)) - 1)
        workers.forEachRange(count, by: 256) { _, rows in
            let (block, product) = (directions.rows(rows), Tensor(rows.count, width))
            backend.multiply(block, by: gram, transposed: true, into: product)
            for i in 0..<block.count { block.data[i] -= rate * (product.data[i] - block.data[i]) }
            block.normaliseRows()
        }
    }
}

/// Which feature depends on which.
private struct Forest {
    var parents: [Int32]
    var children: [[Int]]

    /// Features that all stand alone.
    init(count: Int) {
        parents = [Int32](repeating: -1, count: count)
        children = [[Int]](repeating: [], count: count)
    }

    init(_ hierarchy: SyntheticConfiguration.Hierarchy, count: Int) {
        self.init(count: count)
        var next = min(hierarchy.roots, count)
        var level = 0..<next
        for _ in 0..<hierarchy.depth where next < count {
            for parent in level {
                children[parent] = Array(next..<min(next + hierarchy.branching, count))
                for child in children[parent] { parents[child] = Int32(parent) }
                next += children[parent].count
            }
            level = level.upperBound..<next
        }
    }

    /// p = (target / the parent's target), which lets a feature reach its target though it is active only where its parent
    /// is; times 1 + Σ of its siblings' such p where they exclude each other: it has to win against as many, on average.
    func conditionalProbabilities(_ targets: [Double], exclusive: [Bool]) -> [Float] {
        targets.indices.map { i in
            guard parents[i] >= 0 else { return Float(targets[i]) }
            let parent = Int(parents[i])
            let rivals = exclusive[parent] ? children[parent].reduce(0) { $0 + targets[$1] } - targets[i] : 0
            return Float(min(1, targets[i] / targets[parent] * (1 + rivals / targets[parent])))
        }
    }
}
