import Foundation
import PrismCore
import PrismTestSupport
import Testing

/// A run that is cut off at any moment and resumed ends with the bytes of one left alone.
@Suite(.serialized) struct ResumeTests {
    /// Kills a run at each of the moments in turn, going on each time, and lets it end. - Returns: how often it was killed.
    func survive(_ discover: Discover, _ moments: [Moment], in place: URL) throws -> Int {
        let run = place.appending(path: "run")
        var kills = 0
        for moment in moments where try discover.next(in: place).run(until: moment, run: run) != nil { kills += 1 }
        let outcome = try discover.next(in: place).run()
        #expect(outcome.status == 0, "\(outcome.complaints)")
        return kills
    }

    /// Moments at which something is half written, and moments that have nothing to do with what the run does.
    static func moments(seed: UInt64) -> [Moment] {
        var generator = SeededGenerator(seed: seed, stream: "moments")
        func later(_ seconds: Float) -> Double { Double(seconds * generator.uniform()) }
        let telling: [Moment] = [
            .file("checkpoints/.partial"), .file("checkpoints/.partial/state.safetensors"),
            .file("checkpoints/.partial", after: later(0.002)),
            .file("checkpoints/.partial/.state.safetensors.partial"),
            .file("checkpoints/.partial/checkpoint.json"), .file("metrics.jsonl", after: later(0.02)),
        ]
        let chance = (0..<6).map { _ in Moment.seconds(later(0.4)) }
        let late: [Moment] = [
            .file("evaluation.json"), .file("dictionary/.partial"), .file("dictionary/sae_weights.safetensors"),
            .file(".atlas.sqlite.partial"), .file(".atlas.sqlite.partial", after: later(0.05)), .file("atlas.sqlite"),
            .file(".report.html.partial"),
        ]
        return [.seconds(0.01), .file(".run.json.partial"), .file("run.json")]
            + (telling + chance).shuffled(using: &generator) + late
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>) func killedOnAMatrix(_ seed: UInt64) throws {
        try Inputs.withFolder { folder in
            let discover = Discover.matrix(folder)
            let whole = try discover.finished(in: Inputs.place("whole", in: folder))
            let place = try Inputs.place("killed", in: folder)
            let kills = try survive(discover, Self.moments(seed: seed), in: place)
            #expect(kills >= 8, "killed only \(kills) times")
            try expectSameRun(whole, place.appending(path: "run"))
        }
    }

    @Test func killedOnAModel() throws {
        try Inputs.withFolder { folder in
            let discover = Discover.model(folder)
            let whole = try discover.finished(in: Inputs.place("whole", in: folder))
            let place = try Inputs.place("killed", in: folder)
            let kills = try survive(discover, Self.moments(seed: 4), in: place)
            #expect(kills >= 8, "killed only \(kills) times")
            try expectSameRun(whole, place.appending(path: "run"))
        }
    }

    /// With an oversampled text and event files, which have each step once, however often the run was cut off.
    @Test func killedWithEventFilesOnAnOversampledText() throws {
        try Inputs.withFolder { folder in
            let discover = Discover.model(
                folder, "--tensorboard", "--oversample", "optics=3", "/blue dark/=1.5", "--threads", "1")
            let whole = try discover.finished(in: Inputs.place("whole", in: folder))
            let place = try Inputs.place("killed", in: folder)
            let kills = try survive(discover, Self.moments(seed: 5), in: place)
            #expect(kills >= 8, "killed only \(kills) times")
            let run = place.appending(path: "run")
            let events = "events.out.tfevents.0.prism"
            try expectSameRun(whole, run, more: [events])

            // A record begins with its length and has 16 bytes around it: one record for the version, one for each step.
            let lines = try String(contentsOf: run.appending(path: "metrics.jsonl"), encoding: .utf8)
            let data = try Data(contentsOf: run.appending(path: events))
            var (end, records) = (0, 0)
            while end < data.count {
                end += 16 + Int(data[end]) + Int(data[end + 1]) << 8
                records += 1
            }
            #expect(end == data.count && records == 1 + lines.split(separator: "\n").count)
        }
    }

    /// The real model, in the midst of harvesting its first and a later generation, training and measuring.
    @Test func killedOnTheRealModel() throws {
        let model = try realModel()
        try withTemporaryFolder { folder in
            let text = try Inputs.place("text", in: folder)
            for name in ["PrismModels", "PrismTensor"] {
                try FileManager.default.copyItem(
                    at: packageRoot.appending(path: "Sources/\(name)"), to: text.appending(path: name))
            }
            let discover = Discover(arguments: [
                "discover", model.path, "--text", text.path, "--hook", "blocks.7.hook_resid_post", "--tokens", "3000",
                "--passes",
                "3", "--buffer", "1024", "--batch", "256", "--latents", "512", "--k", "16", "--evaluation-tokens",
                "300",
                "--atlas-tokens", "500", "--checkpoint-every", "2", "--model-precision", "bf16", "--out", "run",
            ])
            let whole = try discover.finished(in: Inputs.place("whole", in: folder))
            let place = try Inputs.place("killed", in: folder)
            let kills = try survive(
                discover,
                [
                    .file("metrics.jsonl", after: 0.15), .file("checkpoints/000000004"),
                    .file("checkpoints/000000012", after: 0.2),
                    .file("evaluation.json"),
                ], in: place)
            #expect(kills >= 3, "killed only \(kills) times")
            try expectSameRun(whole, place.appending(path: "run"))
        }
    }

    @Test func ctrlCStopsAtACheckpointAndSaysHowToGoOn() throws {
        try Inputs.withFolder { folder in
            for (name, discover) in [("matrix", Discover.matrix(folder)), ("model", Discover.model(folder))] {
                let whole = try discover.finished(in: Inputs.place("whole-\(name)", in: folder))
                let place = try Inputs.place("stopped-\(name)", in: folder)
                let run = place.appending(path: "run")
                var stops = 0
                let last = try FileManager.default.contentsOfDirectory(
                    atPath: whole.appending(path: "checkpoints").path
                ).max()!
                let moments: [Moment] = [
                    .file("metrics.jsonl", after: 0.001), .file("checkpoints/000000020"),
                    .file("checkpoints/000000060", after: 0.003),
                    .file("checkpoints/\(last)"), .file("evaluation.json"),
                ]
                for (signal, moment) in zip([SIGINT, SIGTERM, SIGINT, SIGINT, SIGINT], moments) {
                    guard let outcome = try discover.next(in: place).run(until: moment, run: run, signal: signal) else {
                        continue
                    }
                    stops += 1
                    expectFailure(outcome, 1, mentions: "prism discover --resume ", "run")
                }
                #expect(stops >= 2, "stopped only \(stops) times")
                #expect(try discover.next(in: place).run().status == 0)
                try expectSameRun(whole, run)
            }
        }
    }

    /// Paths given relative to the working folder hold wherever the run is resumed from, and two copies of a project have
    /// the same record.
    @Test func resumesFromAnotherFolder() throws {
        for kind in ["matrix", "model"] {
            let runs = try (0..<2).map { copy in
                try Inputs.withFolder { folder in
                    let begin =
                        kind == "matrix"
                        ? Discover(
                            arguments: Discover.matrix(folder).arguments.map {
                                $0.hasSuffix("small.npy") ? "../small.npy" : $0
                            })
                        : Discover(
                            arguments: Discover.model(folder).arguments.map {
                                $0.hasSuffix("/model") ? "../model" : $0.hasSuffix("/text") ? "../text" : $0
                            })
                    let place = try Inputs.place("work", in: folder)
                    let run = place.appending(path: "run")
                    let stopped = try begin.command(in: place).run(
                        until: .file("checkpoints/000000020"), run: run, signal: SIGINT)
                    #expect(stopped != nil)
                    let elsewhere = try Inputs.place("some/where/else", in: folder)
                    try prism("discover", "--resume", run.path, in: elsewhere)
                    try prism("discover", "--resume", "../../../work/run", in: elsewhere)
                    try prism("evaluate", run.path, in: elsewhere)
                    return try ["run.json", "dictionary/cfg.json", "report.html"].map {
                        try Data(contentsOf: run.appending(path: $0))
                    }
                }
            }
            #expect(runs[0] == runs[1])
            #expect(String(decoding: runs[0][0], as: UTF8.self).contains("../../"))
        }
    }

    /// A finished run that is resumed once more stays what it is.
    @Test func resumingAFinishedRunChangesNothing() throws {
        try Inputs.withFolder { folder in
            let discover = Discover.model(folder)
            let whole = try discover.finished(in: Inputs.place("whole", in: folder))
            let place = try Inputs.place("again", in: folder)
            let again = try discover.finished(in: place)
            try prism("discover", "--resume", "run", "--threads", "1", in: place)
            try expectSameRun(whole, again)
        }
    }

    static let damages: [(String, @Sendable (URL) throws -> Void)] = [
        (
            "cut off",
            { url in
                let state = url.appending(path: "state.safetensors")
                try Data(contentsOf: state).dropLast(1000).write(to: state)
            }
        ),
        ("empty", { try Data().write(to: $0.appending(path: "state.safetensors")) }),
        (
            "a flipped bit",
            { url in
                let state = url.appending(path: "state.safetensors")
                var data = try Data(contentsOf: state)
                data[data.count / 2] ^= 4
                try data.write(to: state)
            }
        ),
        ("no state", { try FileManager.default.removeItem(at: $0.appending(path: "state.safetensors")) }),
        ("no label", { try FileManager.default.removeItem(at: $0.appending(path: "checkpoint.json")) }),
        (
            "half a label",
            { url in
                let label = url.appending(path: "checkpoint.json")
                try Data(contentsOf: label).dropLast(100).write(to: label)
            }
        ),
        (
            "another step",
            { url in
                let label = url.appending(path: "checkpoint.json")
                let text = try String(contentsOf: label, encoding: .utf8)
                try Data(text.replacing("\"step\" : ", with: "\"step\" : 1").utf8).write(to: label)
            }
        ),
    ]

    /// The newest checkpoint is damaged: the one before is taken, and the end is the same.
    @Test(arguments: damages.indices) func aTornCheckpointIsPassedOver(_ number: Int) throws {
        try Inputs.withFolder { folder in
            let discover = Discover.matrix(folder)
            let whole = try discover.finished(in: Inputs.place("whole", in: folder))
            let place = try Inputs.place("torn", in: folder)
            let run = place.appending(path: "run")
            let outcome = try discover.command(in: place).run(until: .file("checkpoints/000000100"), run: run)
            #expect(outcome != nil)
            let steps = try FileManager.default.contentsOfDirectory(atPath: run.appending(path: "checkpoints").path)
                .filter { Int($0) != nil }.sorted()
            #expect(steps.count >= 2)
            try Self.damages[number].1(run.appending(path: "checkpoints/\(steps.last!)"))
            #expect(try discover.next(in: place).run().status == 0)
            try expectSameRun(whole, run)
            // All of them torn, it begins anew.
            for step in try FileManager.default.contentsOfDirectory(atPath: run.appending(path: "checkpoints").path) {
                try Self.damages[number].1(run.appending(path: "checkpoints/\(step)"))
            }
            #expect(try discover.next(in: place).run().status == 0)
            try expectSameRun(whole, run)
        }
    }

    /// Files that may not grow beyond a size stand for a disk that is full at that moment: of the record, the log, a
    /// checkpoint, the atlas, the report.
    @Test(arguments: [0, 1, 4, 16, 64, 90, 130, 180, 300]) func aFullDiskEndsWithOneSentence(_ kilobytes: Int) throws {
        try Inputs.withFolder { folder in
            let discover = Discover.matrix(folder)
            let whole = try discover.finished(in: Inputs.place("whole", in: folder))
            let place = try Inputs.place("full", in: folder)
            let outcome = try discover.command(in: place, fileLimit: kilobytes).run()
            // With no room at all there is none for the sentence either.
            if kilobytes > 0 {
                expectFailure(outcome, 1, mentions: "cannot write")
            } else {
                #expect(outcome.status == 1)
            }
            // Nothing that stands under its own name is half a file.
            let run = place.appending(path: "run")
            for name in ["run.json", "evaluation.json", "report.html", "atlas.sqlite"] {
                let (made, wanted) = (run.appending(path: name), whole.appending(path: name))
                guard let data = try? Data(contentsOf: made) else { continue }
                #expect(try data == Data(contentsOf: wanted), "\(name)")
            }
            let rest = try discover.next(in: place).run()
            #expect(rest.status == 0, "\(rest.complaints)")
            try expectSameRun(whole, run)
        }
    }

    @Test func refusesToResumeWhatIsNotTheSame() throws {
        try Inputs.withFolder { folder in
            let run = try Discover.model(folder).finished(in: folder)
            let resume = Command(["discover", "--resume", "run"], in: folder)
            let files = FileManager.default

            let document = folder.appending(path: "text/optics/0.txt")
            let text = try Data(contentsOf: document)
            try (text + Data("more words than before".utf8)).write(to: document)
            expectFailure(try resume.run(), 64, mentions: "text", "changed")
            try files.removeItem(at: document)
            expectFailure(try resume.run(), 64, mentions: "text", "changed")
            try text.write(to: document)

            let weights = folder.appending(path: "model/model.safetensors")
            let model = try Data(contentsOf: weights)
            var other = model
            other[other.count - 2] ^= 1
            try other.write(to: weights)
            expectFailure(try resume.run(), 64, mentions: "model", "changed")
            try files.moveItem(at: folder.appending(path: "model"), to: folder.appending(path: "elsewhere"))
            expectFailure(try resume.run(), 64, mentions: "there is no model", "model")
            try files.moveItem(at: folder.appending(path: "elsewhere"), to: folder.appending(path: "model"))
            try model.write(to: weights)

            expectFailure(
                try Command(["discover", "--resume", "run", "--latents", "7"], in: folder).run(), 64,
                mentions: "--resume")
            expectFailure(
                try Command(["discover", "--resume", "text"], in: folder).run(), 64, mentions: "text is no run")
            expectFailure(
                try Command(["discover", "--resume", "nothing"], in: folder).run(), 64, mentions: "nothing is no run")
            expectFailure(
                try Discover.model(folder).command(in: folder).run(), 64, mentions: "run exists already", "--resume")

            let record = run.appending(path: "run.json")
            let written = try Data(contentsOf: record)
            for damaged in [Data(), written.dropLast(40), Data("[]".utf8), Data(#"{"version": "0"}"#.utf8)] {
                try damaged.write(to: record)
                expectFailure(try resume.run(), 65, mentions: "run.json")
                expectFailure(try Command(["evaluate", "run"], in: folder).run(), 65, mentions: "run.json")
            }
            try written.write(to: record)
            #expect(try resume.run().status == 0)
        }
    }
}
