import Foundation
import PrismActivations
import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismModels
import PrismTensor
import Testing

/// What the model loses with a dictionary in an activation's place, against whole passes with plain interventions and
/// softmax in double precision.
@Suite struct SpliceTallyTests {
    static let hooks = [
        HookPoint.embedding, .residualPre(layer: 0), .residualPre(layer: 1), .attentionOut(layer: 1),
        .residualMid(layer: 0),
        .mlpIn(layer: 1), .neurons(layer: 2), .mlpOut(layer: 2), .residualPost(layer: 1), .residualPost(layer: 2),
        .finalNorm,
    ]

    /// Log-probabilities of every token, of a row of logits.
    func logSoftmax(_ row: UnsafePointer<Float>, _ count: Int) -> [Double] {
        let logits = (0..<count).map { Double(row[$0]) }
        let peak = logits.max()!
        let sum = log(logits.reduce(0) { $0 + exp($1 - peak) }) + peak
        return logits.map { $0 - sum }
    }

    /// The used positions' activations at the hook, for the mean.
    func mean(_ model: Transformer, _ hook: HookPoint, _ contexts: [TokenContext]) throws -> [Float] {
        let captured = try model.run(ForwardRequest(contexts: contexts.map(\.tokens), capture: [hook]))
        let x = captured[hook]
        var sum = [Double](repeating: 0, count: x.rowWidth)
        var count = 0.0
        for (index, context) in contexts.enumerated() {
            for position in context.positions {
                let row = captured.rows(ofContext: index).lowerBound + Int(position)
                for c in 0..<x.rowWidth { sum[c] += Double(x[row][c]) }
                count += 1
            }
        }
        return sum.map { Float($0 / count) }
    }

    @Test(arguments: hooks) func everyFigureIsWhatItsDefinitionSays(_ hook: HookPoint) throws {
        let model = try Tiny.model()
        let contexts = Tiny.contexts(40)
        var generator = SeededGenerator(seed: 8, stream: "splice")
        let width = model.configuration.width(at: hook)
        let dictionary = randomDictionary(latents: 64, width: width, k: 4, &generator)
        let mean = try mean(model, hook, contexts)
        var (clean, spliced, zero, meaned, divergence, count) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for context in contexts {
            func logits(_ replace: (@Sendable (UnsafeMutablePointer<Float>) -> Void)?) throws -> [[Double]] {
                let interventions = replace.map { replace in
                    [
                        Intervention(at: hook) { activation, rows in
                            for position in context.positions {
                                replace(activation[rows[0].row(ofPosition: Int(position))!])
                            }
                        }
                    ]
                }
                let logits = try model.logits(context.tokens, interventions: interventions ?? [])
                return (0..<context.tokens.count).map { logSoftmax(logits[$0], 64) }
            }
            let p = try logits(nil)
            let q = try logits { row in
                let (x, out) = (Tensor(1, width), Tensor(1, width))
                x.data.update(from: row, count: width)
                dictionary.decode(dictionary.encode(x), of: x, into: out)
                row.update(from: out.data, count: width)
            }
            let zeroed = try logits { $0.update(repeating: 0, count: width) }
            let averaged = try logits { row in for c in 0..<width { row[c] = mean[c] } }
            for position in context.positions.map(Int.init) where position + 1 < context.tokens.count {
                let next = Int(context.tokens[position + 1])
                clean -= p[position][next]
                spliced -= q[position][next]
                zero -= zeroed[position][next]
                meaned -= averaged[position][next]
                divergence += (0..<64).reduce(0) { $0 + exp(p[position][$1]) * (p[position][$1] - q[position][$1]) }
                count += 1
            }
        }
        let expected = [
            "ce_clean": clean / count, "ce_spliced": spliced / count, "ce_zero": zero / count,
            "ce_mean": meaned / count,
            "kl": divergence / count, "delta_ce": (spliced - clean) / count,
            "loss_recovered_zero": (zero - spliced) / (zero - clean),
            "loss_recovered_mean": (meaned - spliced) / (meaned - clean),
        ]
        let found = try evaluate(dictionary, in: model, hook: hook, contexts: contexts, workers: .init(count: 2))
            .metrics
        for (name, value) in expected {
            // The losses are single-precision sums to about 1e-6; the ratios divide by differences of losses.
            let tolerance =
                name.hasPrefix("loss") ? 2e-5 * max(1, abs(value)) / min(1, abs(zero - clean) / count) : 5e-6
            #expect(abs(found[name]!.value - value) < tolerance, "\(name): \(found[name]!.value), not \(value)")
        }
    }

    @Test(arguments: hooks) func identityLosesNothing(_ hook: HookPoint) throws {
        let model = try Tiny.model()
        let dictionary = identityDictionary(width: model.configuration.width(at: hook))
        let found = try evaluate(
            dictionary, in: model, hook: hook, contexts: Tiny.contexts(20), workers: .init(count: 2)
        ).metrics
        #expect(found["fvu"]!.value < 1e-12)
        #expect(abs(found["delta_ce"]!.value) < 1e-9 && found["kl"]!.value < 1e-9)
        #expect(abs(found["loss_recovered_zero"]!.value - 1) < 1e-7)
        #expect(abs(found["loss_recovered_mean"]!.value - 1) < 1e-7)
    }

    @Test(arguments: hooks) func zeroAndMeanDictionariesRecoverNothing(_ hook: HookPoint) throws {
        let model = try Tiny.model()
        let contexts = Tiny.contexts(20)
        let width = model.configuration.width(at: hook)
        let zero = try evaluate(
            constantDictionary([Float](repeating: 0, count: width)), in: model, hook: hook, contexts: contexts,
            workers: .init(count: 2)
        ).metrics
        #expect(zero["loss_recovered_zero"]?.value == 0)
        #expect(zero["ce_spliced"] == zero["ce_zero"])
        let average = try evaluate(
            constantDictionary(try mean(model, hook, contexts)), in: model, hook: hook, contexts: contexts,
            workers: .init(count: 2)
        ).metrics
        #expect(abs(average["loss_recovered_mean"]!.value) < 1e-4)
        #expect(abs(average["ce_spliced"]!.value - average["ce_mean"]!.value) < 1e-6)
    }

    /// Positions whose activation is longer than the ceiling count nowhere and are replaced nowhere.
    @Test func sinksAreLeftOut() throws {
        let model = try Tiny.model()
        let hook = HookPoint.residualPost(layer: 1)
        let contexts = Tiny.contexts(20)
        let captured = try model.run(ForwardRequest(contexts: contexts.map(\.tokens), capture: [hook]))
        func norm(_ row: Int) -> Float {
            (0..<32).reduce(0) { $0 + captured[hook][row][$1] * captured[hook][row][$1] }.squareRoot()
        }
        let norms = (0..<captured[hook].rowCount).map(norm).sorted()
        let ceiling = (norms[norms.count / 2] + norms[norms.count / 2 + 1]) / 2
        let below = contexts.enumerated().map { index, context in
            TokenContext(
                tokens: context.tokens, document: 0,
                positions: context.positions.filter {
                    norm(captured.rows(ofContext: index).lowerBound + Int($0)) <= ceiling
                })
        }
        var generator = SeededGenerator(seed: 9, stream: "sinks")
        let dictionary = randomDictionary(latents: 64, width: 32, k: 4, &generator)
        let found = try evaluate(
            dictionary, in: model, hook: hook, contexts: contexts, ceiling: ceiling, workers: .init(count: 2))
        let expected = try evaluate(dictionary, in: model, hook: hook, contexts: below, workers: .init(count: 1))
        #expect(found.metrics == expected.metrics && found.tokens == expected.tokens)
        #expect(found.tokens == below.reduce(0) { $0 + $1.positions.count })
    }

    /// Several dictionaries measured at once are what each is alone.
    @Test func subjectsDoNotTouchEachOther() throws {
        let model = try Tiny.model()
        var generator = SeededGenerator(seed: 21, stream: "subjects")
        let (early, late) = (HookPoint.mlpOut(layer: 0), HookPoint.residualPost(layer: 1))
        let subjects = [(4, late), (9, early), (2, late)].map { k, hook in
            Subject(randomDictionary(latents: 50, width: 32, k: k, &generator), reads: [hook], writes: [hook])
        }
        func measure(_ subjects: [Subject]) throws -> [Evaluation] {
            try Evaluation.measure(
                subjects, in: model, hooks: [early, late], contexts: Tiny.contexts(40),
                sinks: SinkFilter(widths: [32, 32], ceilings: [.infinity, .infinity]), workers: .init(count: 2))
        }
        let together = try measure(subjects)
        for (subject, evaluation) in zip(subjects, together) {
            #expect(try measure([subject])[0].metrics == evaluation.metrics)
        }
        #expect(together[0].metrics["ce_spliced"] != together[2].metrics["ce_spliced"])
        #expect(together[0].metrics["ce_mean"] == together[2].metrics["ce_mean"])
    }

    /// A perfect crosscoder on two hook points changes nothing; a transcoder that writes the target's mean is mean-ablation.
    @Test func crosscodersAndTranscodersTakeTheirPlaces() throws {
        let (model, contexts) = (try Tiny.model(), Tiny.contexts(40))
        let hooks = [HookPoint.mlpIn(layer: 1), .mlpOut(layer: 1)]
        let sinks = SinkFilter(widths: [32, 32], ceilings: [.infinity, .infinity])
        let average = try mean(model, hooks[1], contexts)
        let found = try Evaluation.measure(
            [
                Subject(identityDictionary(width: 64), reads: hooks, writes: hooks),
                Subject(constantDictionary(average), reads: [hooks[0]], writes: [hooks[1]]),
            ], in: model, hooks: hooks, contexts: contexts, sinks: sinks, workers: .init(count: 2)
        ).map(\.metrics)
        #expect(found[0]["fvu"]!.value < 1e-12 && found[0]["kl"]!.value < 1e-9)
        #expect(abs(found[0]["delta_ce"]!.value) < 1e-6 && abs(found[0]["loss_recovered_mean"]!.value - 1) < 1e-4)
        // The mean is over these same contexts, so nothing of the variance is explained, and nothing is recovered.
        #expect(abs(found[1]["fvu"]!.value - 1) < 1e-5 && abs(found[1]["loss_recovered_mean"]!.value) < 1e-3)
        #expect(abs(found[1]["ce_spliced"]!.value - found[1]["ce_mean"]!.value) < 1e-6)
    }

    private func evaluate(
        _ dictionary: SparseDictionary, in model: Transformer, hook: HookPoint, contexts: [TokenContext],
        ceiling: Float = .infinity, workers: Workers
    ) throws -> Evaluation {
        try Evaluation.measure(
            [Subject(dictionary, reads: [hook], writes: [hook])], in: model, hooks: [hook], contexts: contexts,
            sinks: SinkFilter(widths: [model.configuration.width(at: hook)], ceilings: [ceiling]), workers: workers)[0]
    }
}
