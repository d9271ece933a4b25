import Foundation
import PrismFormats
import PrismModels
import PrismTestSupport
import Testing

/// Prints how fast text is encoded, a tokenizer is trained and weights are read. The limits are wide: tests share the machine with others.
@Suite(.serialized) struct TokenizerSpeedTests {
    @Test func encodesFastEnoughForHarvesting() throws {
        let file = try GGUFFile(realModel())
        var tokenizer: Tokenizer?
        let loading = try ContinuousClock().measure { tokenizer = try Tokenizer(file) }
        // Varied text, so that remembered pieces do not flatter: the sources of this package.
        let sources = packageRoot.appending(path: "Sources")
        let names = try FileManager.default.subpathsOfDirectory(atPath: sources.path).filter { $0.hasSuffix(".swift") }
        let text = try names.sorted().map { try String(contentsOf: sources.appending(path: $0), encoding: .utf8) }
            .joined()
        var count = 0
        let time = ContinuousClock().measure { count = tokenizer!.encode(text).count }
        let again = ContinuousClock().measure { count = tokenizer!.encode(text).count }
        let megabytes = Double(text.utf8.count) / 1e6
        let (rate, rateAgain) = (megabytes / (time / .seconds(1)), megabytes / (again / .seconds(1)))
        print(
            "tokenizer: loaded in \(loading); \(megabytes) MB, \(count) tokens, \(rate) MB/s, again \(rateAgain) MB/s")
        #expect(rate > 0.5)
    }

    @Test func trainsInSeconds() throws {
        let sources = packageRoot.appending(path: "Sources")
        let documents = try FileManager.default.subpathsOfDirectory(atPath: sources.path).sorted()
            .filter { $0.hasSuffix(".swift") }.map { try Data(contentsOf: sources.appending(path: $0)) }
        var trained: TrainedTokenizer?
        let time = try ContinuousClock().measure { trained = try Tokenizer.trained(on: documents, vocabulary: 8192) }
        #expect(trained?.tokenizer.vocabularyCount == 8192 && time < .seconds(60))
        print("tokenizer: trained to 8192 tokens on \(documents.reduce(0) { $0 + $1.count }) bytes in \(time)")
    }

    @Test func dequantisesAModelInSeconds() throws {
        var file: GGUFFile?
        let opening = try ContinuousClock().measure { file = try GGUFFile(realModel()) }
        var count = 0
        let time = try ContinuousClock().measure { for name in file!.names { count += try file!.tensor(name).count } }
        print("GGUF: opened in \(opening); \(count) weights in \(time)")
        #expect(count == 134_515_008 && time < .seconds(20))
    }
}
