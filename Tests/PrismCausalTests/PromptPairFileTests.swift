import Foundation
import PrismCore
import PrismModels
import PrismTestSupport
import Testing

@testable import PrismCausal

@Suite struct PromptPairFileTests {
    static let lines = """
        {"clean": "The capital of France is", "corrupt": "The capital of Italy is", "answer": " Paris", "foil": " Rome"}

        {"clean": "The key", "corrupt": "The keys", "answer": [" is", " was"], "foil": [" are", " were"]}
        """

    func read(_ text: String) throws -> [PromptPair] {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "pairs.jsonl")
            try Data(text.utf8).write(to: url)
            return try PromptPairFile(url, tokenizer: try PatchingTaskTests.tokenizer.get()).pairs
        }
    }

    @Test func readsOneAndSeveralAnswers() throws {
        let (pairs, tokenizer) = (try read(Self.lines), try PatchingTaskTests.tokenizer.get())
        #expect(pairs.count == 2)
        #expect(tokenizer.decode(pairs[0].clean) == "The capital of France is")
        #expect(pairs[0].answers.map(tokenizer.text) == [" Paris"])
        #expect(pairs[1].foils.map(tokenizer.text) == [" are", " were"])
        #expect(pairs[0].labels == ["end": pairs[0].clean.count - 1])
    }

    /// Each mistake is one sentence that names the line.
    @Test(arguments: [
        (#"{"clean": "A", "corrupt": "B", "answer": " Paris"}"#, "‘foil’ must be a text"),
        (#"{"clean": "A", "corrupt": "B", "answer": " Paris", "foil": " Rome", "more": 1}"#, "‘more’ is unknown"),
        (#"{"clean": "A", "corrupt": "B and C", "answer": " Paris", "foil": " Rome"}"#, "equally long"),
        (#"{"clean": "A", "corrupt": "A", "answer": " Paris", "foil": " Rome"}"#, "are the same"),
        (#"{"clean": "A", "corrupt": "B", "answer": " Xylophonist", "foil": " Rome"}"#, "must be a single one"),
        (#"{"clean": "A", "corrupt": "B", "answer": " Rome", "foil": " Rome"}"#, "no token can be both"),
        (#"{"clean": ["A"], "corrupt": "B", "answer": [], "foil": " Rome"}"#, "‘answer’ must be a text"),
        (#"{"clean": "A""#, "invalid JSON"), ("[]", "expected an object"),
    ])
    func namesTheLineOfAMistake(line: String, message: String) throws {
        let error = #expect(throws: PrismError.self) { try read(Self.lines + "\n" + line) }
        #expect(error?.kind == .badData)
        #expect(error?.message.contains("pairs.jsonl:4: ") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func refusesAFileWithoutPairs() {
        #expect(throws: PrismError.self) { try read("\n \n") }
    }

    /// Whatever is damaged: pairs that hold, or an error; never a crash.
    @Test func survivesDamage() throws {
        let tokenizer = try PatchingTaskTests.tokenizer.get()
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "pairs.jsonl")
            try forEachMutation(of: Data(Self.lines.utf8), header: 120, count: 1500) { data, what in
                try data.write(to: url)
                do {
                    for pair in try PromptPairFile(url, tokenizer: tokenizer).pairs {
                        #expect(pair.clean.count == pair.corrupt.count && pair.clean != pair.corrupt, "\(what)")
                    }
                } catch let error as PrismError {
                    #expect(error.message.contains("pairs.jsonl"), "\(what): \(error.message)")
                }
            }
        }
    }
}
