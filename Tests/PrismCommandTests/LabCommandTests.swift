import Foundation
import PrismLab
import PrismTestSupport
import Testing

@Suite struct LabCommandTests {
    @Test func listsRunsAndAnswers() throws {
        try withTemporaryFolder { folder in
            let list = try prism("lab", "list", in: folder).output
            #expect(Experiment.all.allSatisfy { list.contains($0.name) })

            let run = try prism("lab", "run", "polytopes", "--out", "solids", in: folder)
            #expect(run.output.contains("✓ holds") && run.output.contains("report.html"))
            #expect(FileManager.default.fileExists(atPath: folder.appending(path: "solids/findings.json").path))

            let oracle = try prism("lab", "oracle", "--importance", "0.5", "--density", "0.1", "--json", in: folder)
                .output
            #expect(oracle.contains("extra antipodal"))

            let design = try prism(
                "design", "--features", "256", "--density", "0.02", "--error", "0.1", "--json", "--out", "design",
                in: folder)
            #expect(design.output.contains("\"width\""))
            #expect(FileManager.default.fileExists(atPath: folder.appending(path: "design/report.html").path))
        }
    }

    /// The same bytes with one thread and with two, and how long it will take before it begins.
    @Test func aGridOfOnesOwn() throws {
        try withTemporaryFolder { folder in
            let grid = [
                "lab", "train", "--features", "5", "--hidden", "2", "--density", "1", "0.05", "--seeds", "2", "--steps",
                "300",
                "--batch", "64", "--json",
            ]
            let one = try Command(grid + ["--threads", "1"], in: folder).run()
            let two = try Command(grid + ["--threads", "2", "--out", "grid"], in: folder).run()
            #expect(one.output == two.output && one.output.contains("represented"))
            #expect(two.errors.contains("2 cells of 2 trainings take about"))
            #expect(FileManager.default.fileExists(atPath: folder.appending(path: "grid/report.html").path))
        }
    }

    @Test func wrongCallsAreRefused() throws {
        try Inputs.withFolder { folder in
            func refuses(_ arguments: [String], _ mentions: String, sourceLocation: SourceLocation = #_sourceLocation)
                throws
            {
                try ErrorTests().expect(
                    arguments, in: folder, 64, mentions: mentions, sourceLocation: sourceLocation)
            }
            let train = ["lab", "train", "--features", "5", "--hidden", "2"]
            try refuses(["lab", "run", "pentagn"], "‘pentagon’")
            try refuses(train + ["--density", "0"], "density must be above 0 and at most 1, not 0.0")
            try refuses(train + ["--density", "1.5"], "density")
            try refuses(train + ["--importance", "-1"], "importance")
            try refuses(train + ["--density", "0.1", "--weight-decay", "nan"], "weight decay")
            // Before any work, so that none is lost.
            try refuses(train + ["--out", "."], "exists already; choose another --out")
            try refuses(["lab", "run", "geometry", "--out", "."], "exists already")
            try refuses(
                ["design", "--features", "256", "--density", "0.02", "--error", "0.1", "--out", "."], "exists already")
            try refuses(train + ["--hidden", "0"], "hidden")
            try refuses(
                train + ["--hidden", "1000"], "1000 hidden dimensions for 5 features make no sense; take at most 5")
            try refuses(train + ["--correlated", "2"], "groups must divide the 5 features")
            try refuses(train + ["--seeds", "0"], "seeds")
            try refuses(train + ["--steps", "0"], "steps")
            try refuses(["lab", "oracle", "--density", "2"], "density")
            try refuses(["lab", "oracle", "--density", "0.1", "--importance=-1"], "importance")
            try refuses(["design", "--features", "10", "--density", "0", "--error", "0.1"], "density")
            try refuses(
                ["design", "--features", "10", "--density", "0.1", "--error", "2"], "share of the features' energy")
            try refuses(["design", "--features", "10", "--density", "0.1", "--error", "0.1", "--bits", "1"], "2 to 16")
        }
    }
}
