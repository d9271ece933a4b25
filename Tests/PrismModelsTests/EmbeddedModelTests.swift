import Foundation
import PrismCore
import PrismModels
import PrismTensor
import Testing

@Suite struct EmbeddedModelTests {
    /// The model of Towards Monosemanticity's shape is there, and has learned English.
    @Test func theModelThatComesWithPrismWorks() throws {
        let url = EmbeddedModel.url(EmbeddedModel.name)
        let model = try Transformer(loading: url, backend: CPUBackend())
        let tokenizer = try model.tokenizer(loading: url)
        let shape = model.configuration
        #expect(shape.layerCount == 1 && shape.width == 128 && shape.mlpWidth == 512 && shape.activation == .relu)
        #expect(shape.contextLength == 250 && tokenizer.bosID == 0)
        let text = "It was the best of times, and there was nothing that could be done about it in the morning."
        let tokens = [0] + tokenizer.encode(text)
        let shuffled = [0] + tokens.dropFirst().sorted()
        let (loss, chance) = (try model.crossEntropy([tokens]), log(Double(shape.vocabularySize)))
        // Far better than chance, and by the order of the words, not by the words alone.
        #expect(loss < 0.65 * chance, "\(loss)")
        #expect(try model.crossEntropy([shuffled]) > loss + 0.5)
        struct Evaluation: Decodable { let nats_per_token, unigram_nats_per_token: Double }
        let known = try JSONDecoder().decode(
            Evaluation.self, from: Files.read(url.appending(path: "evaluation.json")))
        #expect(known.nats_per_token < known.unigram_nats_per_token - 1.5)
    }
}
