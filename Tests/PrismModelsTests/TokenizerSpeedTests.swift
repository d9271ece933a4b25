import Foundation
import PrismFormats
import PrismModels
import PrismTestSupport
import Testing

/// Prints how fast text is encoded and weights are read, and fails far below what harvesting needs.
@Suite(.serialized) struct TokenizerSpeedTests {
    @Test func encodesAMegabyteASecond() throws {
        let file = try GGUFFile(realModel())
        var tokenizer: Tokenizer?
        let loading = try ContinuousClock().measure { tokenizer = try Tokenizer(file) }
        // Varied text, so that remembered pieces do not flatter: the sources of this package.
        let sources = FileManager.default.enumerator(at: packageRoot, includingPropertiesForKeys: nil, options: .skipsHiddenFiles)!
        let text = try sources.compactMap { $0 as? URL }.filter { ["swift", "py", "md"].contains($0.pathExtension) && !$0.path.contains("/Goldens/") }
            .sorted { $0.path < $1.path }.map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        var count = 0
        let time = ContinuousClock().measure { count = tokenizer!.encode(text).count }
        let again = ContinuousClock().measure { count = tokenizer!.encode(text).count }
        let megabytes = Double(text.utf8.count) / 1e6
        print("tokenizer: loaded in \(loading); \(megabytes) MB, \(count) tokens, \(megabytes / (time / .seconds(1))) MB/s, again \(megabytes / (again / .seconds(1))) MB/s")
        #expect(megabytes / (time / .seconds(1)) > 1)
    }

    @Test func dequantisesAModelInSeconds() throws {
        var file: GGUFFile?
        let opening = try ContinuousClock().measure { file = try GGUFFile(realModel()) }
        var count = 0
        let time = try ContinuousClock().measure { for name in file!.names { count += try file!.tensor(name).count } }
        print("GGUF: opened in \(opening); \(count) weights in \(time)")
        #expect(count == 134_515_008 && time < .seconds(4))
    }
}
