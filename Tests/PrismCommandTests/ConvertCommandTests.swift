import Foundation
import PrismDictionaries
import PrismTestSupport
import Testing

@Suite struct ConvertCommandTests {
    /// A dictionary that another library wrote, copied to where it may be spoilt.
    private func withDictionary(_ name: String, _ body: (_ folder: URL, _ dictionary: URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let dictionary = folder.appending(path: "in")
            try FileManager.default.copyItem(at: golden("PrismDictionariesTests", name), to: dictionary)
            try body(folder, dictionary)
        }
    }

    /// There and back between libraries that fold different things: the numbers are the same, and what was recognised is
    /// said.
    @Test(arguments: [
        ("sparsify-autoencoder", "sparsify", "saelens"), ("sparsify-autoencoder", "sparsify", "dictionary-learning"),
        ("dictionary-learning-jumprelu", "dictionary-learning", "gemma-scope"),
        ("gemma-scope-2-skip", "gemma-scope-2", "saelens"), ("matching_pursuit-default", "saelens", "saelens"),
    ])
    func thereAndBack(name: String, format: String, other: String) throws {
        try withDictionary(name) { folder, dictionary in
            let there = try prism("convert", "in", "there", "--to", other, in: folder)
            #expect(there.output == "\(format) → \(other): 21 latents, 6 → 6 numbers\n")
            let back = try prism("convert", "there", "back", "--to", format, in: folder)
            #expect(back.output == "\(other) → \(format): 21 latents, 6 → 6 numbers\n")
            let (before, after) = (
                try SparseDictionary(loading: dictionary), try SparseDictionary(loading: folder.appending(path: "back"))
            )
            #expect(after.encoder.values == before.encoder.values && after.decoder.values == before.decoder.values)
            #expect(after.skip?.values == before.skip?.values)
            #expect(after.decoderBias.values == before.decoderBias.values)
            // b_enc ± W b_dec is rounded once on the way.
            for (a, b) in zip(after.encoderBias.values, before.encoderBias.values) { #expect(abs(a - b) < 1e-5) }
        }
    }

    /// One wrong thing in an otherwise whole dictionary: the file, the thing and what was expected are named, and nothing
    /// is written.
    @Test func almostRightFilesAreRefused() throws {
        try withDictionary("sparsify-autoencoder") { folder, dictionary in
            let cfg = dictionary.appending(path: "cfg.json")
            let text = try String(contentsOf: cfg, encoding: .utf8)
            for (from, to, mentions) in [
                (#""k": 4"#, #""k": 22"#, "key ‘k’ must be a whole number from 1 to 21, found 22"),
                (#""topk""#, #""groupmax""#, "key ‘activation’ is ‘groupmax’, supported: ‘topk’"),
                (#""d_in": 6"#, #""d_in": 7"#, "has shape [21, 6], expected [21, 7]"),
                (#""d_in": 6"#, #""d_in": 6,"#, "invalid JSON"),
            ] {
                #expect(text.contains(from))
                try Data(text.replacingOccurrences(of: from, with: to).utf8).write(to: cfg)
                try ErrorTests().expect(
                    ["convert", "in", "out", "--to", "saelens"], in: folder, 65, mentions: mentions)
            }
            try Data(text.utf8).write(to: cfg)
            let weights = dictionary.appending(path: "sae.safetensors")
            let whole = try Data(contentsOf: weights)
            try whole.dropLast(3).write(to: weights)
            try ErrorTests().expect(
                ["convert", "in", "out", "--to", "saelens"], in: folder, 65, mentions: "sae.safetensors")
            try FileManager.default.removeItem(at: weights)
            try ErrorTests().expect(
                ["convert", "in", "out", "--to", "saelens"], in: folder, 64, mentions: "there is no file")
        }
    }

    @Test func wrongCallsAreRefused() throws {
        try withDictionary("sparsify-autoencoder") { folder, _ in
            func refuses(_ arguments: String..., mentions: String) throws {
                try ErrorTests().expect(["convert"] + arguments, in: folder, 64, mentions: mentions)
            }
            for name in DictionaryFormats.names {
                try refuses("in", "out", "--to", "sparsifi", mentions: name)
            }
            try refuses("in", "in", "--to", "saelens", mentions: "in exists already")
            try refuses("nowhere", "out", "--to", "saelens", mentions: "no file or folder")
            try refuses("in", "out", mentions: "--to")
            // A TopK dictionary in a format of JumpReLUs.
            try refuses("in", "out", "--to", "gemma-scope", mentions: "no place for TopK")
            _ = try Inputs.place("empty", in: folder)
            try refuses("empty", "out", "--to", "saelens", mentions: "is no dictionary")
        }
    }
}
