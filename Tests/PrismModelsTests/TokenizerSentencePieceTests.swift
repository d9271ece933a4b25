import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTestSupport
import Testing

@Suite struct TokenizerSentencePieceTests {
    static func model(_ name: String) -> URL { golden("PrismModelsTests", "spm-\(name).model") }

    /// Against sentencepiece itself.
    @Test(arguments: ["llama", "gemma", "across", "unknown", "unigram", "unigram-unknown", "mapped"])
    func agreesWithTheReference(name: String) throws {
        struct Goldens: Decodable { let models: [String: [TokenizerCase]] }
        let goldens = try JSONDecoder().decode(
            Goldens.self, from: Data(contentsOf: golden("PrismModelsTests", "spm.json")))
        let tokenizer = try Tokenizer(sentencePiece: Self.model(name))
        for test in try #require(goldens.models[name]) { test.check(tokenizer) }
        // Once more, now with remembered pieces.
        for test in try #require(goldens.models[name]) { test.check(tokenizer) }
    }

    @Test func beginsAndEndsAreAsTheFileSays() throws {
        let (llama, gemma) = (
            try Tokenizer(sentencePiece: Self.model("llama")), try Tokenizer(sentencePiece: Self.model("gemma"))
        )
        #expect(llama.bosID == 1 && llama.eosID == 2 && llama.addsBOS && llama.vocabularyCount == 560)
        #expect(gemma.bosID == 2 && gemma.eosID == 1 && gemma.id(ofAdded: "<pad>") == 0)
        let unigram = try Tokenizer(sentencePiece: Self.model("unigram"))
        #expect(unigram.bosID == 1 && !unigram.addsBOS)
    }

    @Test func foldersWithoutJSONLoadTheModel() throws {
        try withTemporaryFolder { folder in
            try FileManager.default.copyItem(at: Self.model("llama"), to: folder.appending(path: "tokenizer.model"))
            #expect(try Tokenizer(loading: folder).addsBOS)
            let config = folder.appending(path: "tokenizer_config.json")
            try Data(#"{"add_bos_token": false, "added_tokens_decoder": {"1": {"content": "<s>"}}}"#.utf8)
                .write(to: config)
            #expect(try !Tokenizer(loading: folder).addsBOS)
            try Data(#"{"added_tokens_decoder": {"560": {"content": "<x>"}}}"#.utf8).write(to: config)
            let error = #expect(throws: PrismError.self) { try Tokenizer(loading: folder) }
            #expect(error?.message.contains("adds the token ‘<x>’") == true)
        }
    }

    /// One text without a space: quadratic merging would take hours.
    @Test(arguments: ["llama", "across", "unigram"]) func longTextsAreFast(name: String) throws {
        let tokenizer = try Tokenizer(sentencePiece: Self.model(name))
        for part in ["a", "random ", "😀"] {
            let text = String(repeating: part, count: 1_000_000 / part.utf8.count) + "x"
            let time = ContinuousClock().measure { #expect(tokenizer.decode(tokenizer.encode(text)) == text) }
            #expect(time < .seconds(60), "\(part): \(time)")
        }
    }

    /// Merging by score against the definition, on pieces that compete, many of the same score.
    @Test func mergesByScoreAsDefined() throws {
        var generator = SeededGenerator(seed: 5, stream: "scores")
        for _ in 0..<100 {
            var scores: [String: Float] = ["a": -100, "b": -100, "▁": -100]
            for _ in 0..<25 {
                let piece =
                    scores.keys.sorted().randomElement(using: &generator)!
                    + scores.keys.sorted().randomElement(using: &generator)!
                if piece.count < 7 { scores[piece] = Float(Int.random(in: 0..<8, using: &generator)) }
            }
            let pieces = ["<unk>"] + scores.keys.sorted()
            let model = Self.message(
                pieces.map { ($0, scores[$0] ?? 0, $0 == "<unk>" ? 2 : 1) },
                trainer: [0x18, 2, 0xc8, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
                normaliser: [0x18, 0, 0x20, 0])
            let tokenizer = try Tokenizer(sentencePiece: FileBytes(model, name: "random.model"))
            for length in [0, 1, 2, 7, 31, 100] {
                let text = String((0..<length).map { _ in "ab ".randomElement(using: &generator)! })
                var symbols = text.map { $0 == " " ? "▁" : String($0) }
                while let best = symbols.indices.dropLast().filter({ scores[symbols[$0] + symbols[$0 + 1]] != nil })
                    .max(by: {
                        scores[symbols[$0] + symbols[$0 + 1]]! < scores[symbols[$1] + symbols[$1 + 1]]!
                            || scores[symbols[$0] + symbols[$0 + 1]]! == scores[symbols[$1] + symbols[$1 + 1]]!
                                && $0 > $1
                    })
                {
                    symbols.replaceSubrange(best...best + 1, with: [symbols[best] + symbols[best + 1]])
                }
                #expect(tokenizer.encode(text) == symbols.map { Int32(pieces.firstIndex(of: $0)!) }, "\(text)")
            }
        }
    }

    /// A model file of some pieces.
    static func message(_ pieces: [(text: String, score: Float, kind: UInt8)], trainer: [UInt8], normaliser: [UInt8])
        -> Data
    {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
        var data: [UInt8] = []
        for piece in pieces {
            let score = withUnsafeBytes(of: piece.score.bitPattern.littleEndian) { Array($0) }
            data += field(1, field(1, Array(piece.text.utf8)) + [0x15] + score + [0x18, piece.kind])
        }
        return Data(data + field(2, trainer) + field(3, normaliser))
    }

    @Test(arguments: [
        ([0x18, 3] as [UInt8], [] as [UInt8], UInt8(1), "of type 3, supported are 1 (unigram) and 2 (BPE)"),
        ([0x18, 2], [0x0a, 1, 0x6e, 0x12, 1, 0], 1, "the precompiled_charsmap is cut off"),
        ([0x18, 2], [0x28, 0], 1, "not marked by ▁"),
        ([0x18, 2, 0xc0, 1, 1], [], 1, "not marked by ▁"), ([0x18, 2, 0x98, 2, 1], [], 1, "no token for the byte 0"),
        ([0x18, 2], [], 7, "a type that is not one of 1 to 6"), ([0x18, 2], [], 6, "expected ‘<0x00>’ to ‘<0xFF>’"),
        ([0x18, 2, 0xc8, 2, 9], [], 1, "has the id 9"), ([0x1a, 1, 2], [], 1, "is no varint"),
        ([0x18, 2], [0x12, 9, 4, 0, 0, 0, 0, 0, 0, 0, 1], 1, "are not UTF-8 ended by zero"),
        ([0x1b], [], 1, "of the kind 3"),
        ([0x18], [], 1, "a number is cut off"), ([0x0a, 9], [], 1, "a field of 9 bytes is cut off"),
    ])
    func refusesByName(trainer: [UInt8], normaliser: [UInt8], kind: UInt8, message: String) throws {
        let data = Self.message(
            [("<unk>", 0, 2), ("a", 1, kind), ("b", 0, 3)], trainer: trainer, normaliser: normaliser)
        let error = #expect(throws: PrismError.self) {
            try Tokenizer(sentencePiece: FileBytes(data, name: "tokenizer.model"))
        }
        #expect(error?.message.contains(message) == true && error?.kind == .badData, "\(error?.message ?? "")")
    }

    @Test(arguments: ["llama", "unigram-unknown", "mapped"]) func damagedFilesNeverCrash(name: String) throws {
        let data = try Data(contentsOf: Self.model(name))
        forEachMutation(of: data, header: data.count, count: 3000) { damaged, what in
            do {
                let tokenizer = try Tokenizer(sentencePiece: FileBytes(damaged, name: "damaged.model"))
                _ = tokenizer.decode(tokenizer.encode("<s>Hello, wörld 123\r\n  x</s>"))
            } catch {
                #expect(error is PrismError, "\(what): \(error)")
            }
        }
    }
}
