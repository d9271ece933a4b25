import PrismDictionaries
import PrismMetrics
import PrismTensor

/// Whether latents of a general concept fall silent where more special ones do their work: absorption and splitting (Chanin et
/// al. 2024, SAEBench).
///
/// Of each class (a word's first letter, a parent feature) a linear probe w on activations is the truth. Its **main latents**
/// are the first k with the largest weights in a logistic probe with an L1 penalty, k as long as each next one raises the F1
/// of a probe on them by more than .03; more than one means that the class is **split**. On test examples inside the class that
/// w recognises, a latent's part in the projection on w is pᵢ = zᵢ ‖dᵢ‖ cos(w, dᵢ), and of x it is p = ŵ·x:
///
///     fraction = a / (a + m)     a = min(Σ of the 3 largest pᵢ of other latents with cos ≥ .1, p − m),  m = Σ pᵢ of the main
///                0 where those 3 are below .4 p or m reaches p, 1 where m is nothing
///     full: all main latents are silent, and the latent of largest pᵢ has cos ≥ .025 and pᵢ ≥ .4 p
///
/// Only classes whose probe reaches an F1 of .6 count. A dictionary that has learned little absorbs little: read it beside the
/// probes' accuracies.
public struct Absorption: Codable, Sendable {
    public struct ClassResult: Codable, Sendable {
        public let name: String
        /// Of the probe on activations, on test examples.
        public let probeF1: Double
        public let mainLatents: [Int]
        /// F1 of the probe on the main latents.
        public let mainF1: Double
        /// Test examples that the probe recognises.
        public let recognised: Int
        /// Mean over them.
        public let fraction, full: Double
    }

    public let task: String
    public let isControl: Bool
    public let units: String
    /// Those whose probe reaches the F1.
    public let classes: [ClassResult]
    /// Means over the classes.
    public let fraction, full: Estimate
    /// Main latents of a class: 1 where none is split.
    public let mainLatents: Estimate

    static let (probeF1, jump, mostMain) = (0.6, 0.03, 10)
    private static let (absorberCosine, fullCosine, proportion, absorbers) = (0.1, 0.025, 0.4, 3)

    /// One for each dictionary among the units; none where no class can be told.
    public static func all(_ examples: LabelledExamples, workers: Workers) -> [Absorption] {
        let train = (0..<examples.count).filter { !examples.isTest[$0] }
        let test = (0..<examples.count).filter { examples.isTest[$0] }
        let rows = examples.balancedRows
        let probes = workers.map(examples.classes.count, by: 1) { _, range -> (Int, ActivationProbe, Double)? in
            let place = range.lowerBound
            let inside = examples.isInside[place]
            guard rows[place] != nil else { return nil }
            let probe = ActivationProbe(examples.x, rows: train, labels: train.map { inside[$0] }, isBalanced: true)
            let predicted = probe.scores(examples.x, rows: test).map { $0 > 0 }
            let f1 = ProbeQuality(predicted: predicted, labels: test.map { inside[$0] }).f1
            return f1 > probeF1 ? (place, probe, f1) : nil
        }.compactMap(\.self)
        guard !probes.isEmpty else { return [] }
        return examples.units.filter { $0.decoder != nil }.map { units in
            let classes = workers.map(probes.count, by: 1) { _, range in
                let (place, probe, f1) = probes[range.lowerBound]
                return ClassResult(
                    examples, units, place, probe, f1, ProbeData(units.responses, rows[place]!), train: train,
                    test: test)
            }
            return Absorption(
                task: examples.name, isControl: units.isControl, units: units.name, classes: classes,
                fraction: Estimate(meanOf: classes.map(\.fraction)), full: Estimate(meanOf: classes.map(\.full)),
                mainLatents: Estimate(meanOf: classes.map { Double($0.mainLatents.count) }))
        }
    }
}

extension Absorption.ClassResult {
    fileprivate init(
        _ examples: LabelledExamples, _ units: ExampleUnits, _ place: Int, _ probe: ActivationProbe, _ probeF1: Double,
        _ data: ProbeData, train: [Int], test: [Int]
    ) {
        let inside = examples.isInside[place]
        name = examples.classes[place]
        self.probeF1 = probeF1

        // Main latents.
        let candidates = LassoPath(data).units(Absorption.mostMain, isPositive: true)
        var (main, best) = ([Int](), -Double.infinity)
        for k in 1...max(1, candidates.count) {
            let chosen = Array(candidates.prefix(k))
            let logistic = LogisticProbe(
                data.matrix(train, units: chosen), labels: train.map { inside[$0] }, isBalanced: true)
            let f1 = logistic.quality(data.matrix(test, units: chosen), labels: test.map { inside[$0] }).f1
            guard f1 > best + Absorption.jump else { break }
            (main, best) = (chosen, f1)
        }
        mainLatents = main
        mainF1 = max(0, best)

        // What they and the others give on examples that the probe recognises.
        let norm = dot(probe.weights, probe.weights).squareRoot()
        let unit = probe.weights.map { $0 / norm }
        let (effects, decoder) = (units.effects(on: unit), units.decoder!)
        let cosines = effects.indices.map { effects[$0] / max(1e-30, Double(decoder.norm(ofRow: $0))) }
        let recognised = zip(test, probe.scores(examples.x, rows: test)).filter { inside[$0.0] && $0.1 > 0 }.map(\.0)
        self.recognised = recognised.count
        var (fractions, fulls) = (0.0, 0.0)
        for row in recognised {
            let x = examples.x[row]
            let projection = unit.indices.reduce(0) { $0 + unit[$1] * Double(x[$1]) }
            var parts: [(latent: Int, part: Double)] = []
            units.responses.codes.forEachActive(row: row) { parts.append(($0, Double($1) * effects[$0])) }
            let sample = Absorption.Sample(parts, main: main, cosines: cosines, projection: projection)
            fractions += sample.fraction
            fulls += sample.isFull ? 1 : 0
        }
        fraction = fractions / Double(max(1, recognised.count))
        full = fulls / Double(max(1, recognised.count))
    }
}

extension Absorption {
    /// One example.
    fileprivate struct Sample {
        let fraction: Double
        let isFull: Bool

        /// - parts: of the active latents in the projection on w. projection: of the whole activation.
        init(_ parts: [(latent: Int, part: Double)], main: [Int], cosines: [Double], projection: Double) {
            let own = parts.filter { main.contains($0.latent) }
            let mainPart = own.reduce(0) { $0 + $1.part }
            let others = parts.filter {
                !main.contains($0.latent) && $0.part > 0 && cosines[$0.latent] >= absorberCosine
            }.map(\.part).sorted(by: >).prefix(absorbers).reduce(0, +)
            if mainPart >= projection || others / projection < proportion {
                fraction = 0
            } else if mainPart <= 0 {
                fraction = 1
            } else {
                let absorbed = min(others, projection - mainPart)
                fraction = min(1, max(0, absorbed / (absorbed + mainPart)))
            }
            let top = parts.max { $0.part < $1.part }
            isFull =
                own.isEmpty && projection >= 0
                && top.map { cosines[$0.latent] >= fullCosine && $0.part / projection >= proportion } ?? false
        }
    }
}
