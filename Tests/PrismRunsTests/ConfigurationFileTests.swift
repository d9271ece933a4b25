import Foundation
import PrismCore
import PrismDictionaries
import PrismRuns
import PrismTestSupport
import Testing

@Suite struct ConfigurationFileTests {
    private func read(_ yaml: String) throws -> DiscoveryConfiguration {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "run.yaml")
            try Data(yaml.utf8).write(to: url)
            return try ConfigurationFile(url).configuration
        }
    }

    @Test func settingsOfRunContextsDictionaryAndTrainingStandSideBySide() throws {
        let configuration = try read(
            """
            model: a.gguf
            text: books
            tokens: 5000
            length: 64
            prepend_bos: false
            seed: 7
            batch: 256
            hook: blocks.3.hook_resid_post
            target: blocks.3.hook_mlp_out
            architecture: jumprelu
            target_l0: 20
            learning_rate: 1e-3
            precision: fp32
            """)
        #expect(configuration.model == "a.gguf" && configuration.text == ["books"] && configuration.tokens == 5000)
        #expect(
            configuration.contexts.length == 64 && !configuration.contexts.prependBOS
                && configuration.contexts.seed == 7)
        #expect(configuration.batch == 256 && configuration.dictionaries.count == 1)
        let dictionary = configuration.dictionaries[0]
        #expect(dictionary.name.isEmpty && dictionary.place == "blocks.3.hook_resid_post → blocks.3.hook_mlp_out")
        let training = dictionary.training
        #expect(training.architecture == .jumpReLU && training.targetL0 == 20 && training.learningRate == 1e-3)
        #expect(
            training.precision == .fp32 && training.seed == 7 && training.latents == TrainingConfiguration().latents)
    }

    @Test func sweepsCombineTheirLists() throws {
        let configuration = try read(
            """
            activations: vectors.npy
            latents: 512
            sweep:
              - {architecture: [topk, batchtopk], k: [8, 16]}
              - {architecture: standard, sparsity: [1, 2.5], decay: 0.1}
              - {name: mine, k: 4, seed: 3}
            """)
        #expect(
            configuration.dictionaries.map(\.name) == [
                "topk_k-8", "topk_k-16", "batchtopk_k-8", "batchtopk_k-16", "standard_sparsity-1",
                "standard_sparsity-2.5",
                "mine",
            ])
        #expect(configuration.dictionaries.allSatisfy { $0.training.latents == 512 })
        #expect(configuration.dictionaries.map(\.training.k) == [8, 16, 8, 16, 32, 32, 4])
        #expect(
            configuration.dictionaries[5].training.sparsity == 2.5
                && configuration.dictionaries[5].training.decay == 0.1)
        #expect(configuration.dictionaries[6].training.seed == 3 && configuration.dictionaries[0].training.seed == 0)
    }

    /// A list of hook points is one crosscoder; a list of lists is several.
    @Test func hookPointsOfACrosscoderStayTogether() throws {
        let both = "[blocks.1.hook_resid_post, blocks.2.hook_resid_post]"
        let one = try read("model: m\ntext: t\nhooks: \(both)\nsweep: {k: [2, 4]}")
        #expect(one.dictionaries.map(\.hooks.count) == [2, 2] && one.hooks.count == 2)
        let several = try read("model: m\ntext: t\nsweep: {hooks: [\(both), [blocks.0.hook_resid_post]]}")
        #expect(several.dictionaries.map(\.hooks.count) == [2, 1] && several.hooks.count == 3)
        let single = try read("model: m\ntext: t\nsweep: {hook: \(both)}")
        #expect(single.dictionaries.map(\.hooks.count) == [1, 1])
    }

    @Test func oversamplingIsATableOfWeights() throws {
        let configuration = try read(
            "model: m\ntext: t\ntensorboard: true\noversample: {\"arabic*\": 4, '/[\\u0590-\\u05FF]/': 1.5}")
        let rules = try #require(configuration.contexts.oversample).rules
        #expect(rules.map(\.pattern) == ["/[\\u0590-\\u05FF]/", "arabic*"] && rules.map(\.weight) == [1.5, 4])
        #expect(configuration.tensorboard && !DiscoveryConfiguration().tensorboard)
    }

    @Test(arguments: [
        ("model: [", "run.yaml"), ("- a\n- b", "expected keys with values"),
        ("latentz: 3", "there is no setting ‘latentz’"),
        ("latents: many", "‘latents’ cannot be ‘many’"), ("architecture: topkk", "‘architecture’ cannot be ‘topkk’"),
        ("hook: blocks.x", "there is no hook point ‘blocks.x’"), ("sweep: 3", "‘sweep’ must be a table"),
        ("sweep: {tokens: [1, 2]}", "‘tokens’ cannot differ within a sweep"),
        ("oversample: arabic", "‘oversample’ cannot be ‘arabic’"), ("oversample: {a: much}", "‘oversample’ cannot be"),
        ("oversample: {a: 0}", "the weight of ‘a’ must lie above 0"),
        ("oversample: {'/[/': 2}", "no regular expression"), ("target_l0: many", "‘target_l0’ cannot be ‘many’"),
        ("sweep: {oversample: [{a: 2}]}", "‘oversample’ cannot differ within a sweep"),
        ("sweep: {batch: [1, 2]}", "‘batch’ cannot differ within a sweep"),
    ])
    func mistakesAreNamed(yaml: String, part: String) throws {
        let error = #expect(throws: PrismError.self) { try read(yaml) }
        #expect(
            error?.message.contains(part) == true && error?.message.contains("run.yaml") == true,
            "\(error?.message ?? "")")
    }
}
