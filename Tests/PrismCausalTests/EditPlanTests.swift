import Foundation
import PrismActivations
import PrismCausal
import PrismCore
import PrismModels
import PrismTensor
import Testing

/// Edits against the arithmetic they stand for.
@Suite struct EditPlanTests {
    static let hook = HookPoint.residualPost(layer: 1)
    let model = Fixture.model()
    let dictionary = Fixture.dictionary(at: hook)
    let contexts: [[Int32]] = [[5, 9, 33, 2, 60, 0], [17, 4], [8, 8, 41, 7]]

    private var surroundings: EditPlan.Surroundings {
        var result = EditPlan.Surroundings()
        result.dictionaries = [dictionary]
        result.promptLengths = contexts.map(\.count)
        result.reference = [[1, 2, 3, 4], [9, 8, 7]].enumerated().map { number, tokens in
            TokenContext(tokens: tokens, document: number, positions: (1..<Int32(tokens.count)).map { $0 })
        }
        result.text = { "t\($0)" }
        result.tokens = { text in text.split(separator: " ").map { Int32($0)! } }
        return result
    }

    private func run(_ edits: [Edit], capture: [HookPoint] = [hook, .finalNorm]) throws -> CapturedActivations {
        let plan = try EditPlan(edits, model, surroundings)
        return try model.run(
            ForwardRequest(contexts: contexts, capture: capture, interventions: plan.interventions))
    }

    private func same(_ a: Tensor, _ b: Tensor) -> Bool { memcmp(a.data, b.data, 4 * a.count) == 0 }

    /// Adding nothing, multiplying by one, and putting back what was there change no bit, whatever the units.
    @Test func theIdentityChangesNoBit() throws {
        let clean = try run([])
        let direction = (0..<32).map { Float($0) - 15 }
        for units in [
            .latents([3, 60]), .neurons([1, 47], layer: 2), .heads([0, 3], layer: 0),
            .direction(direction, at: Self.hook),
        ] as [Edit.Units] {
            for change in [.add(0), .multiply(1)] as [Edit.Change] {
                let changed = try run([Edit(units, change), Edit(.latents([7]), .add(0))])
                for hook in [Self.hook, .finalNorm] { #expect(same(changed[hook], clean[hook]), "\(units) \(change)") }
            }
        }
        let own = try run([Edit(.latents([3, 60]), .replace(prompt: "5 9 33 2 60 0"), at: .numbers([0...5]))])
        let rows = clean.rows(ofContext: 0)
        #expect(same(own[.finalNorm].rows(rows), clean[.finalNorm].rows(rows)))
    }

    /// x' = x + Σ (z'ᵢ − zᵢ) dᵢ, where the places say so and nowhere else; latents of two edits are read before either writes.
    @Test func latentsMoveAlongTheirDecoderRows() throws {
        let clean = try run([])
        let x = clean[Self.hook]
        let codes = dictionary.encode(x)
        func z(_ row: Int, _ latent: Int) -> Float {
            let slots = row * codes.slots..<row * codes.slots + Int(codes.counts[row])
            return slots.first { Int(codes.indices[$0]) == latent }.map { codes.values[$0] } ?? 0
        }
        let changed = try run([
            Edit(.latents([3]), .zero), Edit(.latents([60]), .add(2), at: .last),
            Edit(.latents([9]), .set(1), at: .tokens("t8|t17")),
        ])[Self.hook]
        let decoder = dictionary.dictionary.decoder
        let tokens = contexts.flatMap(\.self)
        for row in 0..<x.rowCount {
            let isLast = [5, 7, 11].contains(row)
            let isChosen = [8, 17].contains(tokens[row])
            for c in 0..<32 {
                var expected = x[row][c] - z(row, 3) * decoder[3][c]
                if isLast { expected += 2 * decoder[60][c] }
                if isChosen { expected += (1 - z(row, 9)) * decoder[9][c] }
                // A few roundings of numbers around one.
                #expect(abs(changed[row][c] - expected) < 1e-5)
            }
        }
        #expect((0..<x.rowCount).contains { z($0, 3) != 0 })
    }

    @Test func axesAndDirectionsAreSet() throws {
        let direction = (0..<32).map { $0 == 4 ? Float(3) : 0 }
        let clean = try run([], capture: [.neurons(layer: 0), .heads(layer: 2), Self.hook])
        let changed = try run(
            [
                Edit(.neurons([5], layer: 0), .multiply(2)), Edit(.heads([1], layer: 2), .zero),
                Edit(.direction(direction, at: Self.hook), .set(-1), at: .numbers([-1 ... -1])),
            ], capture: [.neurons(layer: 0), .heads(layer: 2), Self.hook])
        for row in 0..<12 {
            #expect(changed[.neurons(layer: 0)][row][5] == 2 * clean[.neurons(layer: 0)][row][5])
            #expect((8..<16).allSatisfy { changed[.heads(layer: 2)][row][$0] == 0 })
            #expect((0..<8).contains { changed[.heads(layer: 2)][row][$0] != 0 })
            let isLast = [5, 7, 11].contains(row)
            #expect((abs(changed[Self.hook][row][4] + 1) < 1e-5) == isLast)
        }
    }

    /// Means and samples are those of the reference without its contexts' first tokens.
    @Test func valuesComeFromTheReference() throws {
        let hook = HookPoint.neurons(layer: 1)
        let reference = try model.run(ForwardRequest(contexts: surroundings.reference.map(\.tokens), capture: [hook]))[
            hook]
        let kept = [1, 2, 3, 5, 6]
        let mean = kept.reduce(0) { $0 + Double(reference[$1][7]) } / 5
        let by = try run([Edit(.neurons([7], layer: 1), .mean)], capture: [hook])[hook]
        #expect((0..<12).allSatisfy { abs(Double(by[$0][7]) - mean) < 1e-6 })
        let drawn = try run([Edit(.neurons([7, 8], layer: 1), .resample)], capture: [hook])[hook]
        for row in 0..<12 {
            #expect(
                kept.contains {
                    abs(reference[$0][7] - drawn[row][7]) < 1e-6 && abs(reference[$0][8] - drawn[row][8]) < 1e-6
                })
        }
        #expect(Set((0..<12).map { drawn[$0][7] }).count > 1)
        #expect(same(try run([Edit(.neurons([7, 8], layer: 1), .resample)], capture: [hook])[hook], drawn))
    }

    /// A transcoder reads in one place and writes in another; without its error the place holds what it says.
    @Test func transcodersAndDroppedErrors() throws {
        let placed = Fixture.dictionary(at: .mlpIn(layer: 1))
        let transcoder = try PlacedDictionary(
            name: "transcoder", placed.dictionary, reads: .mlpIn(layer: 1), writes: .mlpOut(layer: 1))
        var surroundings = surroundings
        surroundings.dictionaries = [transcoder]
        func run(_ edits: [Edit]) throws -> CapturedActivations {
            try model.run(
                ForwardRequest(
                    contexts: contexts, capture: [.mlpIn(layer: 1), .mlpOut(layer: 1)],
                    interventions: try EditPlan(edits, model, surroundings).interventions))
        }
        let clean = try run([])
        let (x, y) = (clean[.mlpIn(layer: 1)], clean[.mlpOut(layer: 1)])
        let added = try run([Edit(.latents([2]), .add(1), at: .prompt)])[.mlpOut(layer: 1)]
        let decoder = transcoder.dictionary.decoder
        for row in 0..<12 { for c in 0..<32 { #expect(abs(added[row][c] - y[row][c] - decoder[2][c]) < 1e-5) } }
        let replaced = try run([Edit(.latents([2]), .add(0), keepsError: false)])[.mlpOut(layer: 1)]
        let reconstruction = Tensor(12, 32)
        transcoder.dictionary.decode(transcoder.encode(x), into: reconstruction)
        #expect(same(replaced, reconstruction))
    }

    /// Of two edits that drop the error, neither wipes out the other's change, whichever is named first.
    @Test func droppedErrorsAddUp() throws {
        let edits = [
            Edit(.latents([3]), .add(2), keepsError: false), Edit(.latents([60]), .set(1), keepsError: false),
            Edit(.direction((0..<32).map { $0 == 4 ? 1 : 0 }, at: Self.hook), .add(5)),
        ]
        let x = try run([])[Self.hook]
        let codes = dictionary.encode(x)
        let decoder = dictionary.dictionary.decoder
        let expected = Tensor(shape: x.shape)
        dictionary.dictionary.decode(codes, into: expected)
        for row in 0..<x.rowCount {
            let z = codes[row].first { $0.latent == 60 }?.value ?? 0
            for c in 0..<32 { expected[row][c] += 2 * decoder[3][c] + (1 - z) * decoder[60][c] + (c == 4 ? 5 : 0) }
        }
        for edits in [edits, edits.reversed()] {
            let changed = try run(edits)[Self.hook]
            // A few roundings of numbers around five.
            for i in 0..<x.count { #expect(abs(changed.data[i] - expected.data[i]) < 1e-5) }
        }
    }

    /// Of an attention sink a dictionary knows nothing, so its row stays where the error is dropped.
    @Test func sinksKeepTheirError() throws {
        let x = try run([])[Self.hook]
        let norms = (0..<x.rowCount).map { x.norm(ofRow: $0) }
        let ceiling = norms.sorted()[6]
        var surroundings = surroundings
        surroundings.dictionaries = [
            try PlacedDictionary(
                name: "with sinks", dictionary.dictionary, reads: Self.hook, writes: Self.hook,
                sinks: SinkFilter(widths: [32], ceilings: [ceiling]))
        ]
        let plan = try EditPlan([Edit(.latents([3]), .multiply(1), keepsError: false)], model, surroundings)
        let changed = try model.run(
            ForwardRequest(contexts: contexts, capture: [Self.hook], interventions: plan.interventions))[Self.hook]
        for row in 0..<x.rowCount {
            #expect(same(changed.rows(row..<row + 1), x.rows(row..<row + 1)) == (norms[row] > ceiling))
        }
    }

    @Test func whatIsNotThereIsRefused() throws {
        for edit in [
            Edit(.latents([64]), .zero), Edit(.latents([1], dictionary: "other"), .zero), Edit(.latents([]), .zero),
            Edit(.latents([1, 1]), .zero), Edit(.neurons([48], layer: 0), .zero), Edit(.neurons([0], layer: 3), .zero),
            Edit(.heads([4], layer: 0), .zero), Edit(.direction([1, 2], at: Self.hook), .zero),
            Edit(.direction([Float](repeating: 0, count: 32), at: Self.hook), .zero),
            Edit(.neurons([0], layer: 0), .zero, keepsError: false),
        ] { #expect(throws: PrismError.self) { try EditPlan([edit], model, surroundings) } }
        var bare = surroundings
        bare.reference = []
        #expect(throws: PrismError.self) { try EditPlan([Edit(.latents([1]), .mean)], model, bare) }
        let nowhere = [Edit(.latents([1]), .zero), Edit(.latents([2]), .zero, at: .tokens("nothing"))]
        let plan = try EditPlan(nowhere, model, surroundings)
        _ = try model.run(ForwardRequest(contexts: contexts, capture: [.finalNorm], interventions: plan.interventions))
        #expect(throws: PrismError.self) { try plan.requireSelection(nowhere) }
    }

    @Test func positionsAreRead() throws {
        #expect(try Edit.Positions("3,5-8,-1") == .numbers([3...3, 5...8, -1 ... -1]))
        #expect(try Edit.Positions("-3--1") == .numbers([-3 ... -1]))
        #expect(try Edit.Positions("/ John$/") == .tokens(" John$"))
        for text in ["", "x", "5-3", "3,", "/(/", "1-", "--", "-3-1"] {
            #expect(throws: PrismError.self, "\(text)") { try Edit.Positions(text) }
        }
    }
}
