import Foundation
import PrismAtlas
import PrismCore
import PrismTestSupport
import Testing

/// `prism effects` on a run of the model that comes with Prism.
@Suite struct EffectsCommandTests {
    /// The atlas and the report, too, are the same on one thread as on two; what was measured before stays.
    @Test func measuresLatents() throws {
        try Inputs.withFolder { folder in
            let run = try Discover.oneLayer().finished(in: folder)
            let atlas = run.appending(path: "atlas.sqlite")
            let firings = try Atlas(atlas).latents().sorted { $0.firings > $1.firings }
            let latents = firings.prefix(3).map(\.id).sorted()
            let names = ["atlas.sqlite", "report.html"]
            func bytes() throws -> [Data] { try names.map { try Data(contentsOf: run.appending(path: $0)) } }
            let (saved, unmeasured) = (folder.appending(path: "saved"), try bytes())
            try FileManager.default.copyItem(at: run, to: saved)
            let measured = try ["1", "2"].map { threads in
                try FileManager.default.removeItem(at: run)
                try FileManager.default.copyItem(at: saved, to: run)
                let outcome = try Command(
                    [
                        "effects", "run", "--latents", latents.map(String.init).joined(separator: ","), "--tokens",
                        "200", "--json", "--threads", threads,
                    ], in: folder
                ).run()
                #expect(outcome.status == 0, "\(outcome.complaints)")
                let effects = try JSONDecoder().decode([LatentEffect].self, from: Data(outcome.output.utf8))
                #expect(effects.map(\.latent) == latents)
                let kept = try Atlas(atlas).effects()
                #expect(kept == Dictionary(uniqueKeysWithValues: effects.map { ($0.latent, $0) }))
                return try bytes()
            }
            let (isSame, isNew) = (measured[0] == measured[1], zip(measured[0], unmeasured).allSatisfy { $0 != $1 })
            #expect(isSame && isNew)

            let before = try Atlas(atlas).effects()
            let outcome = try prism("effects", "run", "--count", "4", "--tokens", "200", "--seed", "3", in: folder)
            #expect(outcome.output.contains("KL where active") && outcome.output.contains("latents measured"))
            let after = try Atlas(atlas).effects()
            #expect(after.count > before.count && Set(before.keys).isSubset(of: after.keys))

            let silent = try #require(firings.last { $0.firings == 0 }).id
            for (arguments, mention) in [
                (["run", "--latents", "96"], "there is no latent 96: they are 0 to 95"),
                (["run", "--latents", "1,x"], "‘1,x’ names no latents"),
                (["run", "--latents", "\(silent)", "--tokens", "50"], "look at more with --tokens"),
                (["run", "--count", "0"], "--count must be 1 or more"), (["run", "--tokens", "0"], "--tokens must be"),
                (["run", "--contexts", "0"], "--contexts must be"), (["run:first"], "leave ‘first’ out"),
                (["one-layer"], "name a run instead of a model"), (["none"], "there is no run and no model"),
            ] { expectFailure(try Command(["effects"] + arguments, in: folder).run(), 64, mentions: mention) }
            #expect(try Atlas(atlas).effects() == after)
        }
    }
}
