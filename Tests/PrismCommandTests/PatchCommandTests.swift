import Foundation
import PrismCore
import PrismTestSupport
import Testing

/// `prism patch` on the model that comes with Prism, which has a single layer and no outside files.
@Suite struct PatchCommandTests {
    static let pair = #"{"clean": "He said that he", "corrupt": "She said that he", "answer": " was", "foil": " is"}"#

    func inFolder(_ lines: String = pair, _ body: (URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            try Data(lines.utf8).write(to: folder.appending(path: "pairs.jsonl"))
            try body(folder)
        }
    }

    /// The same bytes on one thread as on two; a report beside the numbers; where the answer is on standard output.
    @Test func patchesAUsersPairs() throws {
        try inFolder { folder in
            let pages = try ["1", "2"].map { threads -> [Data] in
                let outcome = try prism(
                    "patch", "one-layer", "--pairs", "pairs.jsonl", "--site", "residual", "heads", "neurons", "paths",
                    "--threads", threads, "--out", "out\(threads)", in: folder)
                #expect(outcome.output.contains("prefer the answer") && outcome.output.contains("report.html"))
                return try ["patching.json", "report.html"].map {
                    try Data(contentsOf: folder.appending(path: "out\(threads)/\($0)"))
                }
            }
            #expect(pages[0] == pages[1])
        }
    }

    @Test(arguments: [
        ([], 64, "--task with a name, or --pairs with a file"),
        (["--task", "ioj"], 64, "the nearest is ‘ioi’"),
        (["--pairs", "pairs.jsonl", "--layers", "1"], 64, "there is no layer 1"),
        (["--pairs", "pairs.jsonl", "--site", "latents"], 64, "name a run"),
        (["--pairs", "pairs.jsonl", "--site", "paths", "--to", "1.2"], 64, "as in 20.3.q"),
        (["--pairs", "pairs.jsonl", "--position", "S2"], 64, "no position ‘S2’"),
        (["--pairs", "pairs.jsonl", "--to", "0.2.q"], 64, "give --site paths"),
        (["--pairs", "pairs.jsonl", "--site", "residual", "--latents", "3"], 64, "give --site latents"),
        (["--pairs", "none.jsonl"], 64, "none.jsonl"),
    ]) func refusesInOneSentence(arguments: [String], status: Int32, mention: String) throws {
        try inFolder { folder in
            expectFailure(
                try Command(["patch", "one-layer", "--out", "out"] + arguments, in: folder).run(), status,
                mentions: mention)
        }
    }

    @Test(arguments: [
        (#"{"clean": "He said", "corrupt": "She said that", "answer": " was", "foil": " is"}"#, "equally long"),
        (#"{"clean": "He said", "corrupt": "She said", "answer": " xylophonist", "foil": " is"}"#, "a single one"),
    ]) func namesTheLineOfABadPair(line: String, mention: String) throws {
        try inFolder(Self.pair + "\n" + line) { folder in
            expectFailure(
                try Command(["patch", "one-layer", "--pairs", "pairs.jsonl", "--out", "out"], in: folder).run(), 65,
                mentions: "pairs.jsonl:2: ", mention)
        }
    }
}
