import ArgumentParser
import Foundation
import PrismCore
import PrismModels
import PrismTensor

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Fetches or describes a model, predicts the next token, lets it write, or trains a small one.",
        subcommands: [ModelPull.self, ModelInfo.self, ModelRun.self, ModelGenerate.self, ModelTrain.self])
}

struct ModelOptions: ParsableArguments {
    @Argument(help: "The model: a GGUF file, a Hugging Face folder, or one-layer for the one that comes with Prism.")
    var model: String
    @Option(help: "Number format of the model's products.") var precision = Precision.fp32

    var url: URL { EmbeddedModel.url(model) }
    func transformer() throws -> Transformer {
        try Transformer(loading: url, precision: precision, backend: CPUBackend())
    }
    func load() throws -> (Transformer, Tokenizer) {
        let model = try transformer()
        return (model, try model.tokenizer(loading: url))
    }
}

struct ModelInfo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Prints a model's shape, its hook points and its digest.")

    @OptionGroup var options: ModelOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Info: Encodable {
        let configuration: TransformerConfiguration
        let sha256: String
        let tokenizer: Tokens
        struct Tokens: Encodable { let vocabulary: Int, bos: Int32?, eos: Int32?, adds_bos: Bool }
    }

    func run() throws {
        let (model, tokenizer) = try options.load()
        let shape = model.configuration
        let info = Info(
            configuration: shape, sha256: try model.digest(),
            tokenizer: .init(
                vocabulary: tokenizer.vocabularyCount, bos: tokenizer.bosID, eos: tokenizer.eosID,
                adds_bos: tokenizer.addsBOS))
        if json { return try printJSON(info) }
        print(
            """
            family        \(shape.family)
            width         \(shape.width)
            layers        \(shape.layerCount)
            heads         \(shape.headCount) of \(shape.headWidth), \(shape.keyValueHeadCount) key/value heads
            MLP           \(shape.mlpWidth) neurons, \(shape.activation.rawValue)\(shape.isGated ? ", gated" : "")
            positions     \(shape.rotaryWidth == 0 ? "learned" : "rotary, \(shape.rotaryWidth) of a head's \(shape.headWidth)")
            vocabulary    \(shape.vocabularySize), embeddings \(shape.tiedEmbeddings ? "tied" : "untied")
            context       \(shape.contextLength) tokens
            BOS, EOS      \(tokenizer.bosID.map(String.init) ?? "none"), \(tokenizer.eosID.map(String.init) ?? "none")
            sha256        \(info.sha256)
            hook points   hook_embed, blocks.0…\(shape.layerCount - 1).{hook_resid_pre, hook_attn_out\(shape.hasResidualMid ? ", hook_resid_mid" : ""), mlp.hook_in, mlp.hook_post, hook_mlp_out, hook_resid_post}, ln_final.hook_out
            """)
    }
}

struct ModelRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Prints the likeliest next tokens of a prompt, and activations if asked.",
        discussion: """
            Each line is a token's logit, id and text. Example:
              prism model run model.gguf --prompt "The capital of France is" --top 5
            """)

    @OptionGroup var options: ModelOptions
    @Option(help: "Text to read.") var prompt: String
    @Option(help: ArgumentHelp("How many next tokens to print.", valueName: "n")) var top = 10
    @Option(
        help: ArgumentHelp(
            "Print this hook point's vector at the last position too; `prism model info` lists them.", valueName: "name"
        ),
        transform: { try HookPoint($0) })
    var hook: HookPoint?
    @Flag(help: "Print JSON.") var json = false

    private struct Output: Encodable {
        let tokens: [Int32]
        let top: [Candidate]
        let hook: String?
        let activation: [Float]?
        struct Candidate: Encodable { let id: Int32, text: String, logit: Float }
    }

    func run() throws {
        guard top > 0 else { throw PrismError.usage("top must be positive, not \(top)") }
        let (model, tokenizer) = try options.load()
        let tokens = tokenizer.encode(prompt)
        guard !tokens.isEmpty else { throw PrismError.usage("the prompt holds no token; give --prompt some text") }
        let capture = [HookPoint.finalNorm] + (hook.map { $0 == .finalNorm ? [] : [$0] } ?? [])
        let captured = try model.run(ForwardRequest(contexts: [tokens], capture: capture))
        let last = tokens.count - 1
        let logits = Tensor(1, model.configuration.vocabularySize)
        model.logits(captured[.finalNorm].rows(last..<last + 1), into: logits)
        let best = topTokens(logits.rows(0..<1), top).map {
            Output.Candidate(id: $0.token, text: tokenizer.text(of: $0.token), logit: $0.logit)
        }
        let activation = hook.map { captured[$0].rows(last..<last + 1).values }
        if json {
            return try printJSON(Output(tokens: tokens, top: best, hook: hook?.name, activation: activation))
        }
        for candidate in best {
            print(String(format: "%8.3f  %6d  ", candidate.logit, candidate.id) + "‘\(candidate.text)’")
        }
        if let activation { print(activation.map { String(format: "%.4f", $0) }.joined(separator: " ")) }
    }
}

struct ModelGenerate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Continues a prompt.",
        discussion: """
            Example:
              prism model generate model.gguf --prompt "Once upon a time" --tokens 60 --temperature 0.8
            """)

    @OptionGroup var options: ModelOptions
    @Option(help: "Text to continue.") var prompt: String
    @Option(help: ArgumentHelp("The most tokens to write.", valueName: "n")) var tokens = 60
    @Option(help: "0 takes the likeliest token each time, 1 draws with the model's own probabilities.")
    var temperature: Float = 0
    @Option(
        help: ArgumentHelp("Draw only from the likeliest tokens that together have this share.", valueName: "share"))
    var topP: Float = 1
    @Option(help: ArgumentHelp("Seed of the draws.", valueName: "n")) var seed: UInt64 = 0

    func run() throws {
        guard tokens >= 0 else { throw PrismError.usage("tokens must not be negative: \(tokens)") }
        let (model, tokenizer) = try options.load()
        let start = tokenizer.encode(prompt)
        var written = start
        var shown = ""
        _ = try model.generate(
            prompt: start, count: tokens, sampling: Sampling(temperature: temperature, topP: topP), seed: seed,
            stop: Set([tokenizer.eosID].compactMap { $0 })
        ) { token in
            written.append(token)
            // A token can end inside a character; its bytes are shown once the character is whole.
            let text = tokenizer.decode(written)
            if text.hasPrefix(shown), !text.hasSuffix("\u{FFFD}") {
                print(text.dropFirst(shown.count), terminator: "")
                fflush(nil)
                shown = text
            }
            return true
        }
        print(tokenizer.decode(written).dropFirst(shown.count))
    }
}
