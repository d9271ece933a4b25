import Foundation
import PrismCore
import PrismDictionaries
import PrismTensor
import Testing

@testable import PrismSpectrum

/// Probes and interventions where what they must find is planted.
@Suite struct DisentanglementTests {
    /// Vectors that are sums of known features, and dictionaries that know them well or ill.
    struct World {
        static let (rows, features, width) = (3000, 16, 32)
        /// zᵢ of each row, [rows][features].
        var activations: [[Float]]
        let directions: Tensor
        let x: Tensor

        /// - activation: z of a row's feature.
        init(seed: UInt64 = 1, activation: (Int, Int, inout SeededGenerator) -> Float) {
            var generator = SeededGenerator(seed: seed, stream: "test")
            directions = .randomDirections(Self.features, width: Self.width, seed: seed)
            activations = (0..<Self.rows).map { row in
                (0..<Self.features).map { activation(row, $0, &generator) }
            }
            x = Tensor(Self.rows, Self.width)
            for row in 0..<Self.rows {
                for c in 0..<Self.width {
                    x[row][c] = 0.02 * generator.normal()
                    for feature in 0..<Self.features { x[row][c] += activations[row][feature] * directions[feature][c] }
                }
            }
        }

        /// Latents that are active where and as strongly as is said, [rows][latents].
        func units(
            _ name: String = "latents", _ codes: [[Float]]? = nil, decoder: Tensor? = nil
        ) -> ExampleUnits {
            let (codes, decoder) = (codes ?? activations, decoder ?? directions)
            let dictionary = SparseDictionary(
                encoder: decoder, encoderBias: Tensor(decoder.rowCount), decoder: decoder,
                decoderBias: Tensor(Self.width), activation: .relu)
            return ExampleUnits(
                name, dictionary,
                codes: SparseCodes(
                    codes.map { row in row.enumerated().filter { $0.element > 0 }.map { ($0.offset, $0.element) } }))
        }

        func examples(_ classes: [(String, (Int) -> Bool)], _ units: [ExampleUnits]) throws -> LabelledExamples {
            try LabelledExamples(
                name: "planted", classes: classes.map(\.0), x: x,
                isInside: classes.map { inside in (0..<Self.rows).map(inside.1) },
                isTest: (0..<Self.rows).map { $0 % 5 == 0 }, units: units)
        }
    }

    private typealias W = World
    private let workers = Workers(count: 2)

    /// Four classes, one feature each, among others that say nothing.
    private static let classes = World { row, feature, generator in
        feature < 4
            ? (row / 5 % 4 == feature ? 1 + 0.3 * generator.normal() : 0)
            : (generator.uniform() < 0.3 ? generator.uniform() : 0)
    }

    private func classExamples() throws -> LabelledExamples {
        let world = Self.classes
        return try world.examples(
            (0..<4).map { place in ("\(place)", { $0 / 5 % 4 == place }) },
            [ExampleUnits(neuronsOf: world.x), world.units()])
    }

    @Test func everyRankingFindsTheLatentOfAClass() throws {
        let probing = try #require(TaskProbing(try classExamples(), workers: workers))
        #expect(probing.classes.count == 4)
        #expect(probing.whole.value > 0.98)
        for ranking in UnitRanking.allCases {
            #expect(try #require(probing.result("latents", ranking, k: 1)).accuracy.value > 0.98, "\(ranking)")
            // One of 32 random coordinates says little.
            #expect(try #require(probing.result("neurons", ranking, k: 1)).accuracy.value < 0.95, "\(ranking)")
        }
        for probe in probing.probes where probe.units == "latents" {
            #expect(probe.probe.trials[0].units == [probe.probe.concept])
        }
    }

    @Test func aClassGoesWithItsLatentAlone() throws {
        let found = TargetedPerturbation.all(try classExamples(), workers: workers)
        let latents = try #require(found.first { $0.units == "latents" }?.trials.first)
        let neurons = try #require(found.first { $0.units == "neurons" }?.trials.first)
        // Without its feature a class looks like no other: its probe is at chance, ½ below where it was.
        #expect(abs(latents.intended.value - 0.5) < 0.06)
        #expect(latents.unintended.value < 0.1)
        #expect(latents.score.value > neurons.score.value + 0.2)
    }

    /// Two labels that are independent, a feature for each value; those of the second are stronger.
    private static let labels = World(seed: 2) { row, feature, generator in
        switch feature {
        case 0, 1: row / 5 % 2 == feature ? 0.35 + 0.1 * generator.normal() : 0
        case 2, 3: row / 10 % 2 == feature - 2 ? 1 + 0.1 * generator.normal() : 0
        default: generator.uniform() < 0.3 ? generator.uniform() : 0
        }
    }

    @Test func aCoincidenceIsUnlearned() throws {
        let world = Self.labels
        // Latents of the features that neither label has.
        let others = world.activations.map { row in row.indices.map { $0 < 4 ? 0 : row[$0] } }
        let examples = try world.examples(
            [("weak", { $0 / 5 % 2 == 0 }), ("strong", { $0 / 10 % 2 == 0 })],
            [world.units(), world.units("others", others)])
        let found = SpuriousRemoval.all(examples, seed: 3, workers: workers)
        let latents = try #require(found.first { $0.units == "latents" })
        #expect(latents.wanted == "weak" && latents.unwanted == "strong")
        #expect(latents.original < latents.clean - 0.1)
        #expect(latents.trials[0].score > 0.8)
        #expect(try #require(found.first { $0.units == "others" }).trials[0].score < 0.4)
    }

    /// Feature 0 is a parent of 1 … 5, feature 6 of 7 … 11. Each child is there in one of 25 of its parent's rows: too seldom to
    /// be one of the class's main latents.
    private static let family = World(seed: 4) { row, feature, generator in
        let (kind, child) = (row / 5 % 3, row / 15 % 25)
        switch feature {
        case 0, 6: return kind == feature / 6 ? 1 + 0.1 * generator.normal() : 0
        case 1...5, 7...11: return kind == feature / 6 && child == feature % 6 ? 1 : 0
        default: return generator.uniform() < 0.3 ? generator.uniform() : 0
        }
    }

    @Test func absorptionIsFoundWhereItIsPlanted() throws {
        let world = Self.family
        // The latent of the parent falls silent where a child is; the child's latent points along both.
        var (codes, decoder) = (world.activations, world.directions.copy())
        for parent in [0, 6] {
            for child in parent + 1...parent + 5 {
                for row in codes.indices where codes[row][child] > 0 { codes[row][parent] = 0 }
                for c in 0..<W.width { decoder[child][c] += world.directions[parent][c] }
            }
        }
        let examples = try world.examples(
            [("a", { $0 / 5 % 3 == 0 }), ("b", { $0 / 5 % 3 == 1 })],
            [world.units("true"), world.units("absorbing", codes, decoder: decoder)])
        let found = Absorption.all(examples, workers: workers)
        let truth = try #require(found.first { $0.units == "true" })
        #expect(truth.classes.map(\.mainLatents) == [[0], [6]])
        #expect(truth.full.value == 0 && truth.fraction.value < 0.02 && truth.mainLatents.value == 1)
        let absorbing = try #require(found.first { $0.units == "absorbing" })
        #expect(absorbing.classes.map(\.mainLatents) == [[0], [6]])
        // Of 600 rows to test on a third is in each class, of which a fifth has a child.
        #expect(absorbing.classes.allSatisfy { abs($0.full - 0.2) < 0.05 && abs($0.fraction - 0.2) < 0.05 })
    }

    /// Two attributes of three values, a feature for each value.
    private static let attributes = World(seed: 5) { row, feature, generator in
        switch feature {
        case 0..<3: row / 5 % 3 == feature ? 1 : 0
        case 3..<6: row / 15 % 3 == feature - 3 ? 1 : 0
        default: generator.uniform() < 0.3 ? generator.uniform() : 0
        }
    }

    @Test func oneAttributeIsSwapped() throws {
        let world = Self.attributes
        // Nine latents, one for each combination: none of them can change one attribute alone.
        let joint = Tensor(9, W.width)
        for a in 0..<3 {
            for b in 0..<3 {
                for c in 0..<W.width { joint[3 * a + b][c] = world.directions[a][c] + world.directions[3 + b][c] }
            }
        }
        let codes = (0..<W.rows).map { row in
            (0..<9).map { Float($0 == 3 * (row / 5 % 3) + row / 15 % 3 ? 1 : 0) }
        }
        let classes =
            (0..<3).map { value in ("a\(value)", { (row: Int) in row / 5 % 3 == value }) }
            + (0..<3).map { value in ("b\(value)", { (row: Int) in row / 15 % 3 == value }) }
        let examples = try world.examples(
            classes, [world.units(), world.units("joint", codes, decoder: joint)])
        let found = AttributeSwap.all(
            examples, [.init(name: "a", values: [0, 1, 2]), .init(name: "b", values: [3, 4, 5])], seed: 6,
            workers: workers)
        let latents = try #require(found.first { $0.units == "latents" })
        #expect(latents.attributes.allSatisfy { $0.readable > 0.98 })
        #expect(latents.cause.value > 0.97 && latents.isolation.value > 0.97)
        // Swapping everything keeps the other attribute where it was the same by chance: a third.
        #expect(latents.attributes.allSatisfy { $0.isolationOfAll < 0.5 })
        #expect(try #require(found.first { $0.units == "joint" }).score.value < 0.8)
    }

    @Test func sensesAreToldApartByLatentsOfSenses() throws {
        // Words 0 … 2 of two senses; features 0 … 5 are the senses, 6 … 8 the words.
        let world = World(seed: 7) { row, feature, _ in
            let (word, sense) = (row % 3, row / 3 % 2)
            return feature == 2 * word + sense || feature == 6 + word ? 1 : 0
        }
        func only(_ range: Range<Int>) -> [[Float]] {
            world.activations.map { row in row.indices.map { range.contains($0) ? row[$0] : 0 } }
        }
        let examples = try world.examples(
            (0..<3).map { word in ("\(word)", { $0 % 3 == word }) },
            [world.units("senses", only(0..<6)), world.units("words", only(6..<9))])
        let found = SenseSeparation.all(
            examples, words: (0..<W.rows).map { $0 % 3 }, senses: (0..<W.rows).map { $0 / 3 % 2 }, seed: 8)
        #expect(found[0].pairs == 600 && found[0].accuracy == 1)
        #expect(found[1].recall == 1 && found[1].specificity == 0 && found[1].accuracy == 0.5)
    }

    @Test func labelsThatDoNotLineUpAreRefused() {
        let world = Self.classes
        #expect(throws: PrismError.self) {
            try LabelledExamples(
                name: "short", classes: ["a"], x: world.x, isInside: [[true, false]],
                isTest: (0..<W.rows).map { _ in false }, units: [])
        }
    }

    /// w·(x − Σ zᵢ dᵢ) + b of AblatedScores against the vectors themselves.
    @Test func ablatedScoresAreThoseOfTheChangedVectors() throws {
        let examples = try classExamples()
        let rows = Array(0..<50)
        let labels = rows.map { examples.isInside[0][$0] }
        let probe = ActivationProbe(
            examples.x, rows: Array(50..<W.rows), labels: (50..<W.rows).map { examples.isInside[0][$0] })
        let world = Self.classes
        var scores = AblatedScores(probe, examples, examples.units[1], rows: rows, labels: labels)
        for unit in [0, 5] { scores.remove(unit, of: examples.units[1]) }
        let changed = examples.x.copy()
        for row in rows {
            for unit in [0, 5] {
                for c in 0..<W.width {
                    changed[row][c] -= max(0, world.activations[row][unit]) * world.directions[unit][c]
                }
            }
        }
        let expected = ProbeQuality(predicted: probe.scores(changed, rows: rows).map { $0 > 0 }, labels: labels)
        #expect(scores.accuracy == expected.accuracy)
    }
}
