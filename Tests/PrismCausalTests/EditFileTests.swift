import Foundation
import PrismCausal
import PrismCore
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct EditFileTests {
    /// Reads a text as a file that `difference.npy` lies beside.
    func read(_ yaml: String) throws -> [Edit] {
        try withTemporaryFolder { folder in
            try NpyFile.write(Tensor(shape: [2], [3, -4]), to: folder.appending(path: "difference.npy"))
            let url = folder.appending(path: "edits.yaml")
            try Data(yaml.utf8).write(to: url)
            return try EditFile.read(url)
        }
    }

    static let all: [(String, Edit)] = [
        (
            "{latents: [1234, 99], dictionary: runs/books, add: 8, at: last}",
            Edit(.latents([1234, 99], dictionary: "runs/books"), .add(8), at: .last)
        ),
        ("{latents: [0], ablate: resample, error: dropped}", Edit(.latents([0]), .resample, keepsError: false)),
        ("{neurons: [5, 7], layer: 3, ablate: mean}", Edit(.neurons([5, 7], layer: 3), .mean)),
        ("{heads: [2], layer: 9, ablate: zero, at: /Mary/}", Edit(.heads([2], layer: 9), .zero, at: .tokens("Mary"))),
        (
            "{direction: difference.npy, hook: blocks.15.hook_resid_post, multiply: 0, error: kept}",
            Edit(.direction([3, -4], at: .residualPost(layer: 15)), .multiply(0))
        ),
        (
            "{latents: [3], set: -1.5e-1, at: '3,5-8,-1'}",
            Edit(.latents([3]), .set(-0.15), at: .numbers([3...3, 5...8, -1 ... -1]))
        ),
        ("{latents: [3], multiply: 2, at: -1}", Edit(.latents([3]), .multiply(2), at: .numbers([-1 ... -1]))),
        (
            "{latents: [3], replace: 'In Spain, it', at: active}",
            Edit(.latents([3]), .replace(prompt: "In Spain, it"), at: .active)
        ),
        ("{latents: [3], add: 1, at: prompt}", Edit(.latents([3]), .add(1), at: .prompt)),
        ("{latents: [3], add: 1, at: generated}", Edit(.latents([3]), .add(1), at: .generated)),
        ("{latents: [3], add: 1, at: all}", Edit(.latents([3]), .add(1))),
    ]

    @Test func readsAllForms() throws {
        #expect(try read(Self.all.map { "- \($0.0)\n" }.joined()) == Self.all.map(\.1))
        let block = """
            -
              neurons:
                - 5
              layer: 3
              add: 2
            """
        #expect(try read(block) == [Edit(.neurons([5], layer: 3), .add(2))])
    }

    /// Each mistake is one sentence that says which edit it is in.
    @Test(arguments: [
        ("{latent: [1], ablate: zero}", "no key ‘latent’; the nearest is ‘latents’"),
        ("{latents: 1, ablate: zero}", "‘latents’ must be a list of whole numbers"),
        ("{latents: [1.5], ablate: zero}", "‘latents’ must be a list of whole numbers"),
        ("{latents: [1], add: much}", "‘add’ must be a number"),
        ("{neurons: [1], layer: first, ablate: zero}", "‘layer’ must be a whole number"),
        ("{latents: [1], ablate: [zero]}", "‘ablate’ must be a text"),
        ("{latents: [1], ablate: none}", "by zero, mean or resample, not ‘none’"),
        ("{latents: [1], ablate: zero, at: somewhere}", "‘somewhere’ names no positions"),
        ("{latents: [1], ablate: zero, at: 5-3}", "‘5-3’ names no positions"),
        ("{latents: [1], ablate: zero, at: /(/}", "‘(’ is no regular expression"),
        ("{latents: [1], ablate: zero, error: lost}", "kept or dropped, not ‘lost’"),
        ("{latents: [1], neurons: [2], layer: 0, ablate: zero}", "name one of latents, neurons, heads and direction"),
        ("{ablate: zero}", "name one of latents, neurons, heads and direction"),
        ("{latents: [1], ablate: zero, add: 3}", "name one change"),
        ("{latents: [1]}", "name one change"),
        ("{neurons: [1], ablate: zero}", "neurons need their layer"),
        ("{heads: [1], ablate: zero}", "heads need their layer"),
        ("{direction: difference.npy, ablate: zero}", "directions need their hook"),
        ("{direction: difference.npy, hook: blocks.1, ablate: zero}", "there is no hook point ‘blocks.1’"),
        ("{direction: none.npy, hook: hook_embed, ablate: zero}", "none.npy"),
        ("{latents: [1], layer: 2, ablate: zero}", "latents have no layer"),
        ("{neurons: [1], layer: 2, dictionary: a, ablate: zero}", "neurons have no dictionary"),
        ("latents", "expected keys with values"),
        ("", "expected keys with values"),
    ]) func namesTheEditOfAMistake(entry: String, message: String) {
        let error = #expect(throws: PrismError.self) { try read("- {latents: [1], ablate: zero}\n- \(entry)\n") }
        #expect(error?.kind == .badData)
        #expect(error?.message.contains("edits.yaml, edit 2: ") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test func namesTheFileOfAMistake() {
        for (yaml, message) in [
            ("", "holds no list of edits"), ("[]", "holds no list of edits"),
            ("latents: [1]", "holds no list of edits"),
            ("- {latents: [1]\n- {", "edits.yaml: 2:1"),
            ("- {latents: [1], latents: [2], ablate: zero}", "correct the YAML"),
        ] {
            let error = #expect(throws: PrismError.self) { try read(yaml) }
            #expect(error?.kind == .badData)
            #expect(error?.message.contains(message) == true, "\(yaml): \(error?.message ?? "")")
        }
        let error = #expect(throws: PrismError.self) { try EditFile.read(URL(filePath: "/none.yaml")) }
        #expect(error == .usage("there is no file /none.yaml"))
    }

    /// Whatever is damaged: edits, or an error that names the file; never a crash.
    @Test func survivesDamage() throws {
        let yaml = Data(Self.all.prefix(6).map { "- \($0.0)\n" }.joined().utf8)
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "edits.yaml")
            try NpyFile.write(Tensor(shape: [2], [3, -4]), to: folder.appending(path: "difference.npy"))
            try forEachMutation(of: yaml, header: yaml.count, count: 1000, cuts: 200) { damaged, what in
                try damaged.write(to: url)
                do {
                    _ = try EditFile.read(url)
                } catch {
                    #expect((error as? PrismError)?.message.contains("edits.yaml") == true, "\(what): \(error)")
                }
            }
        }
    }
}
