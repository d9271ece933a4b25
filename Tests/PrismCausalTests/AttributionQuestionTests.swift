import PrismCore
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismCausal

@Suite struct AttributionQuestionTests {
    @Test func refusesWhatCannotBeCompared() throws {
        func refused(
            answers: [Int32] = [3], foils: [Int32] = [], _ baseline: AttributionQuestion.Baseline
        ) {
            #expect(throws: PrismError.self) {
                try AttributionQuestion([1, 2], answers: answers, foils: foils, baseline: baseline)
            }
        }
        refused(.prompt([1, 2, 3]))
        refused(.prompt([1, 2]))
        refused(.mean([]))
        refused(answers: [3, 4], foils: [5, 3], .zero)
        refused(answers: [], foils: [3], .zero)
    }

    @Test func readsText() throws {
        let url = try realModel()
        let model = try Transformer(loading: url, precision: .fp32, backend: CPUBackend())
        let tokenizer = try model.tokenizer(loading: url)
        func question(_ target: String) throws -> AttributionQuestion {
            let text = "The capital of France is"
            return try AttributionQuestion(
                (tokenizer.encode(text), text), target: target, foil: " London", baseline: .zero, tokenizer)
        }
        let found = try question(" Paris")
        #expect(tokenizer.decode(found.answers) == " Paris" && tokenizer.decode(found.foils) == " London")
        let error = #expect(throws: PrismError.self) { try question(" Paris, France") }
        #expect(error?.message.contains("must be a single one") == true)
    }
}
