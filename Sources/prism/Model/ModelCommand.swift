import ArgumentParser
import Foundation
import PrismCore
import PrismModels
import PrismTensor

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Looks at a model, runs it, lets it write.",
        subcommands: [ModelInfo.self, ModelRun.self, ModelGenerate.self])
}

struct ModelOptions: ParsableArguments {
    @Argument(help: "A GGUF file or a Hugging Face folder.") var model: String
    @Option(help: "The model's products: fp32 or bf16.") var precision = Precision.fp32

    var url: URL { URL(filePath: model) }
    func transformer() throws -> Transformer { try Transformer(loading: url, precision: precision, backend: CPUBackend()) }
    func tokenizer() throws -> Tokenizer { try Tokenizer(loading: url) }
}

struct ModelInfo: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "info", abstract: "Prints a model's shape and its digest.")

    @OptionGroup var options: ModelOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Info: Encodable {
        let configuration: TransformerConfiguration
        let sha256: String
        let tokenizer: Tokens
        struct Tokens: Encodable { let vocabulary: Int, bos: Int32?, eos: Int32?, adds_bos: Bool }
    }

    func run() throws {
        let (model, tokenizer) = (try options.transformer(), try options.tokenizer())
        let shape = model.configuration
        let info = Info(
            configuration: shape, sha256: try model.digest(),
            tokenizer: .init(
                vocabulary: tokenizer.vocabularyCount, bos: tokenizer.bosID, eos: tokenizer.eosID, adds_bos: tokenizer.addsBOS))
        if json { return try printJSON(info) }
        print("""
            family        \(shape.family)
            width         \(shape.width)
            layers        \(shape.layerCount)
            heads         \(shape.headCount) of \(shape.headWidth), \(shape.keyValueHeadCount) key/value heads
            MLP           \(shape.mlpWidth) neurons
            vocabulary    \(shape.vocabularySize), embeddings \(shape.tiedEmbeddings ? "tied" : "untied")
            context       \(shape.contextLength) tokens
            BOS, EOS      \(tokenizer.bosID.map(String.init) ?? "none"), \(tokenizer.eosID.map(String.init) ?? "none")
            sha256        \(info.sha256)
            hook points   hook_embed, blocks.0…\(shape.layerCount - 1).{hook_resid_pre, hook_attn_out, hook_resid_mid, mlp.hook_in, mlp.hook_post, hook_mlp_out, hook_resid_post}, ln_final.hook_out
            """)
    }
}

struct ModelRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Prints the likeliest next tokens of a prompt, and activations if asked.",
        discussion: "Example: prism model run model.gguf --prompt \"The capital of France is\" --top 5")

    @OptionGroup var options: ModelOptions
    @Option(help: "Text to read.") var prompt: String
    @Option(help: "How many next tokens to print.") var top = 10
    @Option(help: "Also print this hook point's vector at the last position.") var hook: String?
    @Flag(help: "Print JSON.") var json = false

    private struct Output: Encodable {
        let tokens: [Int32]
        let top: [Candidate]
        let hook: String?
        let activation: [Float]?
        struct Candidate: Encodable { let id: Int32, text: String, logit: Float }
    }

    func run() throws {
        let hook = try hook.map { try HookPoint($0) }
        let (model, tokenizer) = (try options.transformer(), try options.tokenizer())
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
        for candidate in best { print(String(format: "%8.3f  %6d  ", candidate.logit, candidate.id) + "‘\(candidate.text)’") }
        if let activation { print(activation.map { String(format: "%.4f", $0) }.joined(separator: " ")) }
    }
}

struct ModelGenerate: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Continues a prompt.",
        discussion: "Example: prism model generate model.gguf --prompt \"Once upon a time\" --tokens 60 --temperature 0.8")

    @OptionGroup var options: ModelOptions
    @Option(help: "Text to continue.") var prompt: String
    @Option(help: "The most tokens to write.") var tokens = 60
    @Option(help: "0 takes the likeliest token, 1 draws as the model says.") var temperature: Float = 0
    @Option(help: "Draw from the likeliest tokens that hold this share.") var topP: Float = 1
    @Option(help: "Seed of the draws.") var seed: UInt64 = 0

    func run() throws {
        let (model, tokenizer) = (try options.transformer(), try options.tokenizer())
        let start = tokenizer.encode(prompt)
        var written = start
        var shown = tokenizer.decode(start)
        print(shown, terminator: "")
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
        print()
    }
}
