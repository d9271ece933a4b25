import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTestSupport
import Testing

@Suite struct TrainedTokenizerTests {
    static func documents() throws -> [Data] {
        try JSONDecoder().decode(
            TokenizerTests.Goldens.self, from: Data(contentsOf: golden("PrismModelsTests", "smollm2.json"))
        ).cases.compactMap { $0.text.map { Data($0.utf8) } }
    }

    /// Every id and merge. Ties need no care: in `tokenizers` too the pair of the smaller ids comes first, and ids are given
    /// out in the same order.
    @Test func agreesWithTheReference() throws {
        let reference = try JSONValue(FileBytes(golden("PrismModelsTests", "trained.json")))
        try withTemporaryFolder { folder in
            try Tokenizer.trained(on: Self.documents(), vocabulary: 1000).write(to: folder)
            let ours = try JSONValue(FileBytes(folder.appending(path: "tokenizer.json")))
            func vocabulary(_ root: JSONValue) -> [String: Int] {
                Dictionary(uniqueKeysWithValues: root["model"]!["vocab"]!.object!.map { ($0.key, $0.value.integer!) })
            }
            func merges(_ root: JSONValue) -> [[String]] {
                root["model"]!["merges"]!.array!.map { $0.array!.map { $0.string! } }
            }
            #expect(vocabulary(ours) == vocabulary(reference) && vocabulary(ours).count == 1000)
            #expect(merges(ours) == merges(reference))
            // And the same tokenizer around them.
            func around(_ root: JSONValue) -> String {
                let members = root.object!.map { member in
                    member.key == "model"
                        ? "\(member.value.object!.filter { !["vocab", "merges"].contains($0.key) })" : "\(member)"
                }
                return members.joined(separator: "\n")
            }
            #expect(around(ours) == around(reference))
        }
    }

    /// Against the definition: all pairs counted anew before each merge.
    @Test func mergesAsDefined() throws {
        let text = "abab abaab aaaa aaaaa baab bbb abcabc bcbc cab cabbage aaaa ab ab abc"
        let tokenizer = try Tokenizer.trained(on: [Data(text.utf8)], vocabulary: 290, minimumCount: 1).tokenizer
        var pieces = text.split(separator: " ").enumerated().map { number, word in
            (number == 0 ? "" : " ") + word
        }.map { $0.utf8.map { [$0] } }
        var tokens: [[UInt8]] = (0..<257).map { Array(tokenizer.bytes(of: $0)) }
        while tokens.count < 290 {
            var counts: [[Int]: Int] = [:]
            for piece in pieces {
                for (left, right) in zip(piece, piece.dropFirst()) {
                    counts[[tokens.firstIndex(of: left)!, tokens.firstIndex(of: right)!], default: 0] += 1
                }
            }
            guard
                let best = counts.min(by: { ($1.value, $0.key[0], $0.key[1]) < ($0.value, $1.key[0], $1.key[1]) })?.key
            else { break }
            let (left, right) = (tokens[best[0]], tokens[best[1]])
            if !tokens.contains(left + right) { tokens.append(left + right) }
            for number in pieces.indices {
                var i = 0
                while i + 1 < pieces[number].count {
                    if pieces[number][i] == left, pieces[number][i + 1] == right {
                        pieces[number].replaceSubrange(i...i + 1, with: [left + right])
                    }
                    i += 1
                }
            }
        }
        #expect((0..<Int32(tokenizer.vocabularyCount)).map { Array(tokenizer.bytes(of: $0)) } == tokens)
    }

    @Test func whatIsWrittenIsWhatWasTrained() throws {
        let documents = try Self.documents()
        let trained = try Tokenizer.trained(on: documents, vocabulary: 600)
        try withTemporaryFolder { folder in
            try trained.write(to: folder)
            let read = try Tokenizer(loading: folder)
            #expect(read.bosID == 0 && read.eosID == 0 && !read.addsBOS && read.vocabularyCount == 600)
            for document in documents {
                let ids = read.encode(bytes: document, allowSpecial: false)
                #expect(ids == trained.tokenizer.encode(bytes: document, allowSpecial: false))
                #expect(Data(read.decode(ids).utf8) == document)
            }
            let json = try Data(contentsOf: folder.appending(path: "tokenizer.json"))
            try Tokenizer.trained(on: documents.reversed(), vocabulary: 600).write(to: folder)
            #expect(try Data(contentsOf: folder.appending(path: "tokenizer.json")) == json)
        }
    }

    @Test func fewPairsMakeFewTokens() throws {
        let trained = try Tokenizer.trained(on: [Data("ab ab".utf8), Data("\u{ff}7".utf8)], vocabulary: 5000)
        #expect(trained.tokenizer.vocabularyCount == 258)
        #expect(trained.tokenizer.encode("ab<|endoftext|>") == [257, 0])
    }

    @Test func refusesWhatCannotBe() {
        let small = #expect(throws: PrismError.self) { try Tokenizer.trained(on: [Data("a".utf8)], vocabulary: 256) }
        #expect(small?.kind == .usage && small?.message.contains("it needs 257") == true)
        let empty = #expect(throws: PrismError.self) { try Tokenizer.trained(on: [Data()], vocabulary: 300) }
        #expect(empty?.kind == .badData)
    }
}
