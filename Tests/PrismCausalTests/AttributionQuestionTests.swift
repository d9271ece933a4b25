import PrismCore
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismCausal

@Suite struct AttributionQuestionTests {
    @Test func refusesWhatCannotBeCompared() throws {
        #expect(throws: PrismError.self) {
            try AttributionQuestion([1, 2], target: 3, foil: nil, baseline: .prompt([1, 2, 3]))
        }
        #expect(throws: PrismError.self) {
            try AttributionQuestion([1, 2], target: 3, foil: nil, baseline: .prompt([1, 2]))
        }
        #expect(throws: PrismError.self) { try AttributionQuestion([1, 2], target: 3, foil: 3, baseline: .zero) }
        let pair = try PromptPair(clean: [1, 2], corrupt: [1, 3], answers: [4, 5], foils: [6])
        #expect(throws: PrismError.self) { try AttributionQuestion(pair) }
    }

    @Test func readsText() throws {
        let url = try realModel()
        let model = try Transformer(loading: url, precision: .fp32, backend: CPUBackend())
        let tokenizer = try model.tokenizer(loading: url)
        func question(_ target: String, _ corrupt: String?) throws -> AttributionQuestion {
            try AttributionQuestion(
                "The capital of France is", target: target, foil: " London", corrupt: corrupt, otherwise: .zero,
                tokenizer)
        }
        let found = try question(" Paris", "The capital of England is")
        #expect(tokenizer.text(of: found.target) == " Paris" || tokenizer.decode([found.target]) == " Paris")
        guard case .prompt(let other) = found.baseline else { return #expect(Bool(false)) }
        #expect(zip(found.prompt, other).count { $0 != $1 } == 1)
        let error = #expect(throws: PrismError.self) { try question(" Paris, France", nil) }
        #expect(error?.message.contains("must be a single one") == true)
        #expect(throws: PrismError.self) { try question(" Paris", "The capital of the United Kingdom is") }
    }
}
