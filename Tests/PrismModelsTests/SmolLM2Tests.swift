import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

/// The real model against Hugging Face transformers on the same dequantised weights.
@Suite struct SmolLM2Tests {
    struct Golden: Decodable {
        let sample: [Int]
        let prompts: [Prompt]

        struct Prompt: Decodable {
            let text: String
            let tokens: [Int32]
            let logits: [Float]
            let topTokens: [Int32]
            let topLogits: [Float]
            let greedy: [Int32]
            let residualPost: [String: [Float]]
        }
    }

    static let golden = Result {
        try JSONDecoder().decode(Golden.self, from: Files.read(goldens.appending(path: "smollm2-goldens.json")))
    }

    static let fp32 = Result { try load(.fp32) }
    static let bf16 = Result { try load(.bf16) }

    static func load(_ precision: Precision) throws -> Transformer {
        try Transformer(loading: realModel(), precision: precision, backend: CPUBackend())
    }

    /// Two fp32 implementations that sum in different orders over 30 blocks: 7e-5 was the largest difference measured, on
    /// logits of up to 35. Another instruction set sums in another order again, hence the room.
    @Test func logitsAgreeWithTheReference() throws {
        let (golden, model) = (try Self.golden.get(), try Self.fp32.get())
        let tokenizer = try Tokenizer(loading: realModel())
        for prompt in golden.prompts {
            #expect(tokenizer.encode(prompt.text) == prompt.tokens)
            let logits = try model.logits(prompt.tokens)
            let last = logits.rows(prompt.tokens.count - 1..<prompt.tokens.count)
            let difference = distance(golden.sample.map { last.data[$0] }, prompt.logits)
            #expect(difference < 5e-4, "\(prompt.text)")
            let top = topTokens(last, 20)
            #expect(top.map(\.token) == prompt.topTokens)
            #expect(distance(top.map(\.logit), prompt.topLogits) < 5e-4)
        }
    }

    /// Relative to the largest number of the sample, as blocks write a few very large numbers into the stream.
    @Test func residualStreamsAgreeWithTheReference() throws {
        let (golden, model) = (try Self.golden.get(), try Self.fp32.get())
        let layers = [0, 15, 29]
        let found = try model.run(
            ForwardRequest(contexts: golden.prompts.map(\.tokens), capture: layers.map { .residualPost(layer: $0) }))
        for (index, prompt) in golden.prompts.enumerated() {
            for layer in layers {
                let row = found[.residualPost(layer: layer)][found.rows(ofContext: index).upperBound - 1]
                let sample = stride(from: 0, to: model.configuration.width, by: 9).map { row[$0] }
                let expected = try #require(prompt.residualPost["\(layer)"])
                let size = expected.reduce(1) { max($0, abs($1)) }
                #expect(distance(sample, expected) < 1e-4 * size, "layer \(layer) of ‘\(prompt.text)’")
            }
        }
    }

    @Test func greedyTextIsTheReferences() throws {
        let (golden, model) = (try Self.golden.get(), try Self.fp32.get())
        for prompt in golden.prompts {
            #expect(try model.generate(prompt: prompt.tokens, count: prompt.greedy.count) == prompt.greedy)
        }
    }

    /// On the fast backend too: neither grouping nor threads change a bit.
    @Test func groupingAndThreadsChangeNoBit() throws {
        let (golden, model) = (try Self.golden.get(), try Self.fp32.get())
        let contexts = golden.prompts.map(\.tokens)
        let hook = HookPoint.residualPost(layer: 3)
        let request = ForwardRequest(contexts: contexts, capture: [hook])
        let one = try model.run(request, workers: Workers(count: 1))
        let two = try model.run(request, workers: Workers(count: 2))
        #expect(same(one[hook], two[hook]))
        for (index, context) in contexts.enumerated() {
            let alone = try model.run(ForwardRequest(contexts: [context], capture: [hook]))
            #expect(same(alone[hook], one[hook].rows(one.rows(ofContext: index))))
        }
    }

    /// bf16 rounds operands by up to 2⁻⁹ of themselves, in 210 products whose errors add up like a random walk in the
    /// residual stream. Measured: root mean square error 0.8 to 2.2% of the logits' spread; the likeliest token stays.
    @Test func logitsInBF16StayNearFP32() throws {
        let (golden, exact, rounded) = (try Self.golden.get(), try Self.fp32.get(), try Self.bf16.get())
        for prompt in golden.prompts {
            let a = try exact.logits(prompt.tokens)
            let b = try rounded.logits(prompt.tokens)
            let last = prompt.tokens.count - 1..<prompt.tokens.count
            let (x, y) = (a.rows(last).values, b.rows(last).values)
            let mean = x.reduce(0, +) / Float(x.count)
            let spread = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(x.count)).squareRoot()
            let error = (zip(x, y).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Float(x.count)).squareRoot()
            #expect(error > 0 && error < 0.05 * spread, "\(error / spread)")
            #expect(topTokens(b.rows(last), 1)[0].token == prompt.topTokens[0])
        }
    }
}
