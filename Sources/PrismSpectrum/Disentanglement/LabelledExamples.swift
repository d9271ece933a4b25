import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismTensor

/// Examples of some classes with what units respond to them. An example is one activation vector, or stands for a text: then
/// its activations and responses are the means over the text's tokens.
public struct LabelledExamples: Sendable {
    /// What the classes are kinds of, such as "language".
    public let name: String
    public let classes: [String]
    /// [examples, width].
    let x: Tensor
    /// Of each class whether each example is inside; an example may be in several or none.
    let isInside: [[Bool]]
    /// The examples that nothing is fitted on.
    let isTest: [Bool]
    /// What is probed and taken away.
    let units: [ExampleUnits]

    /// - Throws: `PrismError.usage` if labels and examples differ in number.
    public init(
        name: String, classes: [String], x: Tensor, isInside: [[Bool]], isTest: [Bool], units: [ExampleUnits]
    ) throws {
        guard isInside.count == classes.count, (isInside + [isTest]).allSatisfy({ $0.count == x.rowCount }) else {
            throw PrismError.usage(
                "\(name): \(x.rowCount) examples need a label each, and there are \(isInside.first?.count ?? 0)")
        }
        (self.name, self.classes, self.x, self.isInside, self.isTest, self.units) = (
            name, classes, x, isInside, isTest, units
        )
    }

    var count: Int { x.rowCount }
}

/// Units as examples show them: responses zᵢ, and the direction dᵢ that each stands for, so that taking away unit i from x
/// leaves x − zᵢ dᵢ. What no unit explains, the dictionary's error, stays.
public struct ExampleUnits: Sendable {
    public let name: String
    public let isControl: Bool
    let responses: UnitResponses
    /// dᵢ, [units, width]; nil for the axes.
    let decoder: Tensor?

    /// A dictionary's latents.
    /// - codes: of the examples.
    public init(_ name: String, _ dictionary: SparseDictionary, codes: SparseCodes, isControl: Bool = false) {
        self.name = name
        self.isControl = isControl
        responses = UnitResponses(codes, units: dictionary.latentCount)
        decoder = dictionary.decoder
    }

    /// The neurons: zᵢ = xᵢ − mean, so that to take one away leaves its mean.
    public init(neuronsOf x: Tensor) {
        name = "neurons"
        isControl = false
        let (mean, columns) = (x.columnMeans, Tensor(x.rowWidth, x.rowCount))
        for t in 0..<x.rowCount {
            let row = x[t]
            for c in mean.indices { columns[c][t] = row[c] - Float(mean[c]) }
        }
        responses = UnitResponses(dense: columns)
        decoder = nil
    }

    var count: Int { responses.unitCount }

    /// w·dᵢ of each unit.
    func effects(on weights: [Double]) -> [Double] {
        guard let decoder else { return weights }
        return (0..<count).map { unit in
            let direction = decoder[unit]
            return weights.indices.reduce(0) { $0 + weights[$1] * Double(direction[$1]) }
        }
    }
}

/// A logistic probe on whole activations: w·x + b.
struct ActivationProbe {
    /// w, [width].
    let weights: [Double]
    let intercept: Double

    /// - rows: to fit on; brought to a mean of zero, and with one factor for all numbers to a mean variance of one.
    init(_ x: Tensor, rows: [Int], labels: [Bool], isBalanced: Bool = false) {
        let chosen = x.gathered(rows)
        let mean = chosen.columnMeans
        var matrix = DoubleMatrix(chosen.minus(row: mean))
        let square = matrix.values.reduce(0) { $0 + $1 * $1 } / Double(max(1, matrix.values.count))
        let scale = square > 0 ? 1 / square.squareRoot() : 0
        for i in matrix.values.indices { matrix.values[i] *= scale }
        let probe = LogisticProbe(matrix, labels: labels, isBalanced: isBalanced)
        weights = probe.weights.map { $0 * scale }
        intercept = probe.intercept - dot(weights, mean)
    }

    /// w·x + b.
    func scores(_ x: Tensor, rows: [Int]) -> [Double] {
        rows.map { row in
            let numbers = x[row]
            return weights.indices.reduce(intercept) { $0 + weights[$1] * Double(numbers[$1]) }
        }
    }
}

/// What a probe says of its test rows while units are taken away one after the other: w·(x − Σᵢ zᵢ dᵢ) + b.
struct AblatedScores {
    private var scores: [Double]
    private let labels: [Bool]
    private let effects: [Double]
    /// Of each example its place among the test rows, −1 for none.
    private let places: [Int]

    init(_ probe: ActivationProbe, _ examples: LabelledExamples, _ units: ExampleUnits, rows: [Int], labels: [Bool]) {
        scores = probe.scores(examples.x, rows: rows)
        self.labels = labels
        effects = units.effects(on: probe.weights)
        var places = [Int](repeating: -1, count: examples.count)
        for (place, row) in rows.enumerated() { places[row] = place }
        self.places = places
    }

    mutating func remove(_ unit: Int, of units: ExampleUnits) {
        let effect = effects[unit]
        units.responses.withColumn(unit) { rows, values in
            for (row, value) in zip(rows, values) where places[Int(row)] >= 0 {
                scores[places[Int(row)]] -= Double(value) * effect
            }
        }
    }

    var accuracy: Double { ProbeQuality(predicted: scores.map { $0 > 0 }, labels: labels).accuracy }
}

extension Estimate {
    /// The mean of some values of the same kind, such as one for each class, with the interval of their spread:
    /// mean ± 1.96 s/√n.
    init(meanOf values: [Double]) {
        let (count, mean) = (Double(max(1, values.count)), values.reduce(0, +) / Double(max(1, values.count)))
        let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, count - 1)
        let half = 1.96 * (square / count).squareRoot()
        self.init(value: mean, low: mean - half, high: mean + half)
    }
}
