import Foundation
import PrismCore
import PrismTestSupport
import Testing

@Suite struct DirectionsCommandTests {
    private static let analogies = """
        : articles
        the of and to
        the of in is
        : others
        as by from for
        as by if be

        """

    @Test func aModelIsAsked() throws {
        try Inputs.withFolder { folder in
            try Data(Self.analogies.utf8).write(to: folder.appending(path: "a.txt"))
            func json(_ arguments: String...) throws -> Any {
                let outcome = try Command(["directions"] + arguments + ["--json"], in: folder).run()
                #expect(outcome.status == 0, "\(arguments): \(outcome.complaints)")
                return try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
            }
            let near = try #require(try json("near", "model", "the", "--count", "3") as? [[String: Any]])
            #expect(near.count == 3 && !near.contains { $0["name"] as? String == " the" })
            let answers = try #require(
                try json("analogy", "model", "the", "of", "and", "--space", "unembedding") as? [String: Any])
            #expect(answers.keys.sorted() == ["offset", "offsetOfAll", "onlyB", "opposite"])
            let scores = try #require(try json("analogies", "model", "a.txt", "--uncentred") as? [[String: Any]])
            #expect(scores.map { $0["usable"] as? Int } == [2, 2, 4])
            let axis = try #require(try json("axis", "model", "the", "of", "--words", "and", "in") as? [[String: Any]])
            #expect(axis.first?["word"] as? String == "the" && axis.last?["word"] as? String == "of" && axis.count == 4)
            for place in [["--space", "unembedding"], ["--hook", "blocks.1.hook_resid_post"], []] {
                let outcome = try Command(["directions", "orthogonality", "model", "a.txt"] + place, in: folder).run()
                #expect(outcome.status == 0 && outcome.output.contains("random directions"), "\(outcome.complaints)")
            }
        }
    }

    @Test func aRunIsAsked() throws {
        try Inputs.withFolder { folder in
            try succeed(Discover.model(folder).arguments, in: folder)
            try succeed(["directions", "near", "run", "7"], in: folder)
            try Data("the light\nthe glass is red\n".utf8).write(to: folder.appending(path: "with.txt"))
            let arguments = [
                "directions", "decompose", "run", "--positive", "with.txt", "--negative", "one beam", "to and of",
                "--count", "5", "--json", "--threads",
            ]
            let outputs = try ["1", "2"].map { try Command(arguments + [$0], in: folder).run().output }
            #expect(outputs[0] == outputs[1])
            let json = try JSONSerialization.jsonObject(with: Data(outputs[0].utf8)) as? [String: Any]
            let found = try #require(json?["decomposition"] as? [String: Any])
            #expect(found["positiveTexts"] as? Int == 2 && (found["components"] as? [Any])?.count == 5)
            #expect((json?["names"] as? [String])?.count == 5)
        }
    }

    @Test func whatHasNoDirectionIsRefused() throws {
        try Inputs.withFolder { folder in
            try succeed(Discover.model(folder).arguments, in: folder)
            try prism(
                "discover", "--activations", "small.npy", "--latents", "16", "--k", "2", "--batch", "256", "--passes",
                "1",
                "--out", "vectors", in: folder)
            try Data("the of and\n".utf8).write(to: folder.appending(path: "a.txt"))
            let refusals: [([String], Int32, String)] = [
                (["near", "model", "spectroscopy"], 64, "choose another word"),
                (["near", "run", "96"], 64, "there is no latent 96"),
                (["near", "run", "the"], 64, "‘the’ is no number"),
                (["near", "vectors", "7"], 64, "is of stored vectors"),
                (["analogies", "model", "a.txt"], 65, "line 1: expected ‘: category’"),
                (
                    ["orthogonality", "model", "a.txt", "--space", "embedding", "--hook", "hook_embed"], 64,
                    "give one of them"
                ),
                (["decompose", "model", "--positive", "a", "--negative", "b"], 64, "no latents"),
                (["decompose", "run", "--positive", "", "--negative", "b"], 64, "empty text"),
            ]
            for (arguments, status, reason) in refusals {
                expectFailure(try Command(["directions"] + arguments, in: folder).run(), status, mentions: reason)
            }
        }
    }
}
