import Foundation
import PrismActivations
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

/// `prism discover --config`: several dictionaries in one run, and what is said when they cannot be trained.
@Suite struct SweepCommandTests {
    /// Writes `sweep.yaml` on the planted matrix. - more: lines of YAML behind it.
    private func write(_ more: String, activations: String = "small.npy", in folder: URL) throws {
        let yaml = """
            activations: \(activations)
            latents: 48
            k: 4
            batch: 64
            passes: 1

            """
        try Data((yaml + more).utf8).write(to: folder.appending(path: "sweep.yaml"))
    }

    private let discover = ["discover", "--config", "sweep.yaml", "--out", "run"]

    @Test func everyDictionaryHasAFolderAndThePageLeadsToThem() throws {
        try Inputs.withFolder { folder in
            try write("sweep: {architecture: [topk, batchtopk], k: [2, 4]}", in: folder)
            try prism("discover", "--config", "sweep.yaml", "--out", "run", in: folder)
            let page = try String(contentsOf: folder.appending(path: "run/report.html"), encoding: .utf8)
            for name in ["topk_k-2", "topk_k-4", "batchtopk_k-2", "batchtopk_k-4"] {
                #expect(page.contains("\(name)/report.html"))
                for file in ["report.html", "evaluation.json", "atlas.sqlite", "dictionary/cfg.json"] {
                    let path = folder.appending(path: "run/\(name)/\(file)").path
                    #expect(FileManager.default.fileExists(atPath: path), "\(path)")
                }
            }
        }
    }

    @Test(arguments: [
        ("sweep: [{name: a, k: 2}, {name: a, k: 3}]", "two dictionaries of the sweep are called ‘a’"),
        ("sweep: [{k: 2}, {k: 2}]", "the dictionaries of the sweep do not differ"),
        ("latentz: 3", "sweep.yaml: there is no setting ‘latentz’; known here are activations"),
        ("sweep: {latentz: [1, 2]}", "sweep.yaml: there is no setting ‘latentz’; known here are architecture"),
        ("sweep: {tokens: [1, 2]}", "‘tokens’ cannot differ within a sweep"),
        ("sweep: {k: []}", "sweep.yaml: ‘k’ has no values"),
        ("sweep: {k: [2, 49]}", "k-49: k must lie between 1 and the 48 latents, not be 49"),
        ("sweep: {name: [a/b], k: [2]}", "‘a/b’ cannot name a dictionary"),
        ("architecture: matryoshka_batchtopk\ngroups: [12, 24]", "groups must rise to all 48 latents, not be 12, 24"),
        ("target: blocks.1.hook_mlp_out", "need a model"),
        ("sweep: {hook: [blocks.0.hook_resid_post, blocks.1.hook_resid_post]}", "several hook points need a model"),
    ])
    func mistakesAreNamedBeforeAnythingIsWritten(yaml: String, part: String) throws {
        try Inputs.withFolder { folder in
            try write(yaml, in: folder)
            try ErrorTests().expect(discover, in: folder, 64, mentions: part)
        }
    }

    /// Files of vectors that do not fit or hold no numbers are named, with the place; once repaired, the same call works.
    @Test func shardsThatCannotBeLearntFromAreNamed() throws {
        try Inputs.withFolder { folder in
            let shards = try Inputs.place("shards", in: folder)
            let vectors = Inputs.planted()
            func shard(_ name: String, _ x: Tensor) throws {
                var writer = SafetensorsWriter()
                writer.add("activations", x)
                try writer.write(to: shards.appending(path: name))
            }
            try write("", activations: "shards", in: folder)
            try shard("a.safetensors", vectors.rows(0..<1500))
            let second = vectors.rows(1500..<4000).copy()
            second[17][3] = .nan
            try shard("b.safetensors", second)
            try ErrorTests().expect(
                discover, in: folder, 65, mentions: "shards/b.safetensors holds nan in row 17, column 3")
            try shard("b.safetensors", Inputs.planted(vectors: 300, width: 11))
            try ErrorTests().expect(
                discover, in: folder, 65,
                mentions: "shards/b.safetensors holds vectors of 11 numbers, a.safetensors of 12")
            try shard("b.safetensors", vectors.rows(1500..<4000))
            #expect(try Command(discover, in: folder).run().status == 0)
        }
    }

    @Test func aDictionaryThatDivergesIsNamedAndTheOthersAreFinished() throws {
        try Inputs.withFolder { folder in
            try write("sweep: [{name: fast, learning_rate: 1e30}, {name: slow}]", in: folder)
            let some = try Command(discover, in: folder).run()
            #expect(some.status == 1)
            let last = try #require(some.complaints.last)
            #expect(last.contains("done but for 1 of its dictionaries: fast: step"), "\(last)")
            #expect(last.contains("the training diverged; lower the learning rate"), "\(last)")
            let run = folder.appending(path: "run")
            #expect(FileManager.default.fileExists(atPath: run.appending(path: "slow/report.html").path))
            #expect(FileManager.default.fileExists(atPath: run.appending(path: "report.html").path))
            #expect(!FileManager.default.fileExists(atPath: run.appending(path: "fast/dictionary").path))

            try FileManager.default.removeItem(at: run)
            try write("learning_rate: 1e30", in: folder)
            expectFailure(
                try Command(discover, in: folder).run(), 1, mentions: "the training diverged", "lower the learning rate"
            )
        }
    }

    /// Held-out vectors that are all a thousand times as long as the others leave nothing to measure on.
    @Test func nothingButSinksIsSaidBeforeTheTraining() throws {
        try Inputs.withFolder { folder in
            let x = Inputs.planted()
            try NpyFile.write(x, to: folder.appending(path: "small.npy"))
            let (_, heldOut) = try StoredActivations(folder.appending(path: "small.npy")).split(
                heldOutShare: 0.1, seed: 0)
            for row in heldOut.joined() { for c in 0..<12 { x[row][c] *= 1000 } }
            try NpyFile.write(x, to: folder.appending(path: "small.npy"))
            try write("", in: folder)
            try ErrorTests().expect(
                discover, in: folder, 64, mentions: "all held-out vectors are longer than attention sinks")
            try write("norm_limit: 1e6", in: folder)
            #expect(try Command(discover, in: folder).run().status == 0)
        }
    }

    /// A model that gives no numbers for one rare token stops the run on the way, which says where and what to do.
    @Test func aModelThatGivesNoNumbersStopsTheRun() throws {
        try Inputs.withFolder { folder in
            let url = folder.appending(path: "model/model.safetensors")
            let sound = try Data(contentsOf: url)
            let file = try SafetensorsFile(url)
            let token = try Tokenizer(loading: folder.appending(path: "model")).encode(bytes: Data("Q".utf8))[0]
            var writer = SafetensorsWriter()
            for name in file.names {
                let tensor = try file.tensor(name).copy()
                // Each a number, but the length of both is none in fp32. (Weights that are none are refused at once.)
                if name == "model.embed_tokens.weight" { for i in 5...6 { tensor[Int(token)][i] = 3e38 } }
                writer.add(name, tensor)
            }
            let damaged = folder.appending(path: "damaged.safetensors")
            try writer.write(to: damaged)
            try FileManager.default.removeItem(at: url)
            try FileManager.default.moveItem(at: damaged, to: url)
            // Its beginning is read behind the first 4096 vectors, which are looked at before the training.
            let document = folder.appending(path: "text/optics/18.txt")
            let text = try String(contentsOf: document, encoding: .utf8)
            try Data(("Q" + text).utf8).write(to: document)

            let discover = Discover.model(folder, "--tokens", "12000")
            expectFailure(
                try discover.command(in: folder).run(), 65, mentions: "is not finite", "stopped at step", "--resume",
                "start a new run")
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "run/checkpoints").path)
                    .count > 0)
            // Sound weights are another model's: the first steps were made with the damaged ones.
            try sound.write(to: url)
            expectFailure(try discover.next(in: folder).run(), 64, mentions: "the model has changed", "start a new run")
        }
    }
}
