import Foundation
import PrismActivations
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct AttributedRunTests {
    static let prompt: [Int32] = [4, 17, 33, 8, 61, 22]
    static let corrupt: [Int32] = [4, 17, 50, 8, 61, 22]

    static func run(
        _ places: [AttributionPlace], _ baseline: AttributionQuestion.Baseline = .prompt(corrupt), foil: Int32? = 12
    ) throws -> AttributedRun {
        try run(places, baseline, answers: [7], foils: foil.map { [$0] } ?? [])
    }

    static func run(
        _ places: [AttributionPlace], _ baseline: AttributionQuestion.Baseline = .prompt(corrupt), answers: [Int32],
        foils: [Int32]
    ) throws -> AttributedRun {
        let question = try AttributionQuestion(prompt, answers: answers, foils: foils, baseline: baseline)
        return try AttributedRun(Fixture.model(), question, places, workers: Workers(count: 2))
    }

    /// Of every kind, at every position and layer.
    static let places: [AttributionPlace] = {
        let model = Fixture.model().configuration
        let dictionaries = [
            Fixture.dictionary(at: .residualPre(layer: 2)), Fixture.dictionary(at: .neurons(layer: 1), width: 48),
            transcoder,
        ]
        return try! AttributionUnits.allCases.flatMap { try $0.places(model, dictionaries) }
    }()

    private static let transcoder: PlacedDictionary = {
        let dictionary = Fixture.dictionary(at: .mlpIn(layer: 1)).dictionary
        return try! PlacedDictionary(name: "transcoder", dictionary, reads: .mlpIn(layer: 1), writes: .mlpOut(layer: 1))
    }()

    /// m with share · δ taken from a unit, by a pass over the whole prompt, the activation looked up anew.
    private func naive(_ run: AttributedRun, _ unit: AttributionUnit, share: Float = 1) throws -> Double {
        let (place, model) = (run.places[unit.place], run.model)
        var part: [Float]
        func activation(_ tokens: [Int32], _ hook: HookPoint) throws -> [Float] {
            let found = try model.run(ForwardRequest(contexts: [tokens], capture: [hook]))[hook]
            return Array(found.values[unit.position * found.rowWidth..<(unit.position + 1) * found.rowWidth])
        }
        let (y, other) = try (activation(Self.prompt, place.writes), activation(Self.corrupt, place.writes))
        part = zip(y, other).map { $0 - $1 }
        switch place.division {
        case .whole: break
        case .columns(let width):
            for c in part.indices where c / width != unit.index { part[c] = 0 }
        case .latents(let placed):
            let decoder = placed.dictionary.decoder
            var difference = [Float](repeating: 0, count: decoder.rowCount)
            for (sign, tokens) in [(Float(1), Self.prompt), (-1, Self.corrupt)] {
                let x = try activation(tokens, place.reads)
                for (i, z) in placed.encode(Tensor(shape: [1, x.count], x))[0] { difference[i] += sign * z }
            }
            for c in part.indices {
                if let index = unit.index {
                    part[c] = difference[index] * decoder[index][c]
                } else {
                    for i in difference.indices { part[c] -= difference[i] * decoder[i][c] }
                }
            }
        }
        let (position, taken) = (unit.position, part)
        let ablation = Intervention(at: place.writes) { activation, _ in
            for c in taken.indices { activation[position][c] -= share * taken[c] }
        }
        let logits = try model.logits(Self.prompt, interventions: [ablation])
        func logSumExp(_ tokens: [Int32]) -> Double { log(tokens.reduce(0) { $0 + exp(Double(logits[5][Int($1)])) }) }
        return logSumExp(run.question.answers) - (run.question.foils.isEmpty ? 0 : logSumExp(run.question.foils))
    }

    /// Batched runs that start at the unit's layer and position, against whole runs one by one. The tolerance is fp32's, of
    /// logits near 0.1.
    @Test func effectsAreThoseOfWholeRuns() throws {
        let run = try Self.run(Self.places)
        let units = run.units.enumerated().filter { $0.offset % 13 == 0 }.map(\.element)
        #expect(Set(units.map(\.place)).count > Self.places.count / 2)
        for (unit, effect) in zip(units, try run.effects(of: units)) {
            #expect(abs(run.value - effect - (try naive(run, unit))) < 1e-6, "\(run.places[unit.place]) \(unit)")
        }
    }

    /// The same of several answers and foils, and of answers alone, whose m is differentiated too.
    @Test(arguments: [([7, 8], [12, 3, 40]), ([7, 8], []), ([7], [])] as [([Int32], [Int32])])
    func effectsAreOfLogOdds(answers: [Int32], foils: [Int32]) throws {
        let places = try AttributionUnits.heads.places(Fixture.model().configuration, [])
        let run = try Self.run(places, answers: answers, foils: foils)
        let units = run.units.enumerated().filter { $0.offset % 7 == 0 }.map(\.element)
        let (effects, scores) = try (run.effects(of: units), run.scores(.gradient, of: units).values)
        let share: Float = 0.01
        for (i, unit) in units.enumerated() {
            #expect(abs(run.value - effects[i] - (try naive(run, unit))) < 1e-6)
            let slope = try (naive(run, unit, share: -share) - naive(run, unit, share: share)) / Double(2 * share)
            // As below.
            #expect(abs(scores[i] - slope) < 3e-6 + 0.01 * abs(slope))
        }
        #expect(effects.contains { abs($0) > 1e-4 })
    }

    /// Nothing differs before the prompts do; behind, everything but silent latents does, and the error with them.
    @Test func unitsAreWhatDiffers() throws {
        let units = try Self.run(Self.places).units
        #expect(units.allSatisfy { $0.position >= 2 })
        for (number, place) in Self.places.enumerated() {
            let own = units.filter { $0.place == number && $0.position == 2 }
            switch place.division {
            case .whole: #expect(own.count == 1)
            case .columns(let width):
                let whole = Fixture.model().configuration.width(at: place.writes) / width
                #expect(own.count == whole)
            case .latents: #expect(own.count > 10 && own.contains { $0.index == nil })
            }
        }
    }

    /// δ · ∇m is the derivative of taking the unit away: against central differences.
    @Test func gradientIsTheDerivativeOfAblation() throws {
        let run = try Self.run(Self.places)
        let units = run.units.enumerated().filter { $0.offset % 17 == 0 }.map(\.element)
        let scores = try run.scores(.gradient, of: units).values
        let share: Float = 0.01
        for (unit, score) in zip(units, scores) {
            let slope = try (naive(run, unit, share: -share) - naive(run, unit, share: share)) / Double(2 * share)
            // fp32 logits of 0.1 have an error near 10⁻⁸, here divided by 0.02.
            #expect(abs(score - slope) < 3e-6 + 0.01 * abs(slope), "\(run.places[unit.place].name) \(unit)")
        }
    }

    /// A place whose units the answer is linear in, where every method is exact: what the unembedding reads.
    @Test func everyMethodIsExactOnALinearModel() throws {
        let places = [
            AttributionPlace(.columns(1), at: .finalNorm), AttributionPlace(Fixture.dictionary(at: .finalNorm)),
        ]
        for baseline: AttributionQuestion.Baseline in [.zero, .mean(Self.reference), .prompt(Self.corrupt)] {
            let run = try Self.run(places, baseline)
            let effects = try run.effects(of: run.units)
            for method in AttributionMethod.allCases {
                for (score, effect) in zip(try run.scores(method, of: run.units).values, effects) {
                    #expect(abs(score - effect) < 1e-6)
                }
            }
            #expect(effects.contains { abs($0) > 1e-3 })
        }
    }

    /// A place's units sum to what the place does, and this is far from what one gradient says it does. Against zero norms turn
    /// the least of an embedding into a whole one, which even steps do not see.
    @Test(arguments: [true, false]) func integratedGradientsAreComplete(againstZero: Bool) throws {
        let places = Self.places.filter { !againstZero || ![.embedding, .residualPre(layer: 0)].contains($0.writes) }
        let run = try Self.run(places, againstZero ? .zero : .prompt(Self.corrupt))
        let scores = try run.scores(.integrated, of: run.units)
        for (place, found) in scores.completeness.enumerated() {
            let sum = zip(run.units, scores.values).reduce(0) { $0 + ($1.0.place == place ? $1.1 : 0) }
            #expect(found.isReached)
            #expect(abs(sum - found.sum) < 1e-5)
            #expect(abs(sum - found.whole) < 0.01 * abs(found.whole) + 1e-4)
        }
    }

    /// Embedding, heads and MLPs by their direct effects sum to m itself (the fixture has no biases), heads on any norm.
    @Test func directEffectsSumToTheLogits() throws {
        let places = try AttributionUnits.components.places(Fixture.model().configuration, [])
        for foil: Int32? in [12, nil] {
            let run = try Self.run(places, .zero, foil: foil)
            let direct = try run.scores(.direct, of: run.units).values
            #expect(abs(direct.reduce(0, +) - run.value) < 1e-6)
            // Only what is written at the last position reaches the logits directly.
            for (unit, score) in zip(run.units, direct) where unit.position < 5 { #expect(score == 0) }
        }
    }

    /// Embedding and MLPs of all positions, through heads whose patterns are held, sum to m too.
    @Test func linearEffectsSumToTheLogits() throws {
        let model = Fixture.model().configuration
        let places = [AttributionPlace(.whole, at: .embedding)] + (try AttributionUnits.mlps.places(model, []))
        let run = try Self.run(places, .zero)
        let linear = try run.scores(.linear, of: run.units).values
        #expect(abs(linear.reduce(0, +) - run.value) < 1e-6)
        #expect(zip(run.units, linear).contains { $0.position < 5 && abs($1) > 1e-4 })
    }

    private static let reference = [
        TokenContext(tokens: corrupt, document: 0, positions: [1, 2, 3, 5]),
        TokenContext(tokens: [1, 2, 3], document: 1, positions: [1, 2]),
    ]

    /// Over used positions, without one where an attention sink is planted.
    @Test func meansAreTakenOverTheReference() throws {
        let hook = HookPoint.mlpOut(layer: 0)
        let (model, placed) = (Fixture.model(), Fixture.dictionary(at: hook))
        let sink = Intervention(at: hook) { x, contexts in
            for context in contexts where context.index == 0 {
                for c in 0..<x.rowWidth { x[context.rows.lowerBound + 3][c] *= 1000 }
            }
        }
        let text = try model.run(
            ForwardRequest(contexts: Self.reference.map(\.tokens), capture: [hook], interventions: [sink]))
        let clean = try model.run(ForwardRequest(contexts: [Self.prompt], capture: [hook]))
        let found = UnitDifferences(AttributionPlace(placed), clean, .mean(Self.reference), text)
        let (used, rows, y) = ([1, 2, 5, 7, 8], text[hook], clean[hook])
        let (own, codes) = (placed.encode(y), placed.encode(rows))
        let latent = own[1][3].latent
        let mean =
            used.reduce(Float(0)) { sum, row in sum + (codes[row].first { $0.latent == latent }?.value ?? 0) } / 5
        for c in 0..<32 {
            let plain = used.reduce(Float(0)) { $0 + rows[$1][c] } / 5
            #expect(abs(found.whole[1][c] - (y[1][c] - plain)) < 1e-6)
        }
        let axis: [Float] = (0..<32).map { $0 == 5 ? 1 : 0 }
        let expected = (own[1][3].value - mean) * placed.dictionary.decoder[latent][5]
        #expect(abs(found.product(latent, at: 1, with: axis) - Double(expected)) < 1e-6)
        // Latents and error are all of the difference.
        let sum = found.units(at: 1).reduce(0) { $0 + found.product($1, at: 1, with: axis) }
        #expect(abs(sum - Double(found.whole[1][5])) < 1e-6)
    }

    /// The same bytes with one thread and with two.
    @Test func threadsChangeNothing() throws {
        let question = try AttributionQuestion(Self.prompt, answers: [7], foils: [], baseline: .prompt(Self.corrupt))
        let found = try [1, 2].map { count in
            let run = try AttributedRun(Fixture.model(), question, Self.places, workers: Workers(count: count))
            let units = Array(run.units.prefix(300))
            return try [
                run.effects(of: units), run.scores(.integrated, of: units).values,
                run.scores(.linear, of: units).values,
            ]
        }
        #expect(found[0] == found[1])
    }
}
