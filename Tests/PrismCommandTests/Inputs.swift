import Foundation
import PrismCore
import PrismFormats
import PrismTensor
import PrismTestSupport

/// What commands are tested on: small, and the same each time.
enum Inputs {
    /// `vectors` sparse sums of `features` directions in `width` dimensions, with a little noise and a mean.
    static func planted(vectors: Int = 4000, width: Int = 12, features: Int = 24) -> Tensor {
        var generator = SeededGenerator(seed: 1, stream: "planted")
        let directions = (0..<features).map { _ in (0..<width).map { _ in generator.normal() } }
        let result = Tensor(vectors, width)
        for t in 0..<vectors {
            for c in 0..<width { result[t][c] = 0.5 + 0.05 * generator.normal() }
            for direction in directions where generator.uniform() < 0.1 {
                let strength = 2 * generator.uniform()
                for c in 0..<width { result[t][c] += strength * direction[c] }
            }
        }
        return result
    }

    /// A Llama of two layers with random weights and a byte-level tokenizer of 422 tokens, as a Hugging Face folder.
    static func writeModel(to folder: URL) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let source = golden("PrismModelsTests", "tiny-plain.json")
        try FileManager.default.copyItem(at: source, to: folder.appending(path: "tokenizer.json"))
        try Data(#"{"bos_token": "<s>", "eos_token": "</s>"}"#.utf8).write(
            to: folder.appending(path: "tokenizer_config.json"))
        let configuration = """
            {"architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "hidden_size": 32, "intermediate_size": 48,
             "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 422,
             "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000, "tie_word_embeddings": false}
            """
        try Data(configuration.utf8).write(to: folder.appending(path: "config.json"))
        var generator = SeededGenerator(seed: 2, stream: "model")
        var writer = SafetensorsWriter()
        func add(_ name: String, _ shape: Int..., scale: Float, mean: Float = 0) {
            let tensor = Tensor(shape: shape)
            for i in 0..<tensor.count { tensor.data[i] = mean + scale * generator.normal() }
            writer.add(name, tensor)
        }
        add("model.embed_tokens.weight", 422, 32, scale: 1)
        for layer in 0..<2 {
            let block = "model.layers.\(layer)."
            add(block + "input_layernorm.weight", 32, scale: 0.1, mean: 1)
            add(block + "post_attention_layernorm.weight", 32, scale: 0.1, mean: 1)
            add(block + "self_attn.q_proj.weight", 32, 32, scale: 0.2)
            add(block + "self_attn.k_proj.weight", 16, 32, scale: 0.2)
            add(block + "self_attn.v_proj.weight", 16, 32, scale: 0.2)
            add(block + "self_attn.o_proj.weight", 32, 32, scale: 0.2)
            add(block + "mlp.gate_proj.weight", 48, 32, scale: 0.2)
            add(block + "mlp.up_proj.weight", 48, 32, scale: 0.2)
            add(block + "mlp.down_proj.weight", 32, 48, scale: 0.2)
        }
        add("model.norm.weight", 32, scale: 0.1, mean: 1)
        add("lm_head.weight", 422, 32, scale: 0.3)
        try writer.write(to: folder.appending(path: "model.safetensors"))
    }

    /// Forty documents in two folders, of words that repeat.
    static func writeText(to folder: URL) throws {
        var generator = SeededGenerator(seed: 3, stream: "text")
        let words =
            "the of a to and in is it was light prism wave glass colour red green blue white dark seven one beam".split(
                separator: " ")
        for number in 0..<40 {
            let place = folder.appending(path: number % 2 == 0 ? "optics" : "letters")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            let text = (0..<250).map { _ in words.randomElement(using: &generator)! }.joined(separator: " ")
            try Data(text.utf8).write(to: place.appending(path: "\(number).txt"))
        }
    }

    /// A folder with the planted matrix `small.npy`, the model `model`, the text `text` and the arguments for short runs.
    static func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
        try withTemporaryFolder { folder in
            let folder = folder.resolvingSymlinksInPath()
            try NpyFile.write(planted(), to: folder.appending(path: "small.npy"))
            try writeModel(to: folder.appending(path: "model"))
            try writeText(to: folder.appending(path: "text"))
            return try body(folder)
        }
    }

    /// Makes the folder `name` below `folder`.
    static func place(_ name: String, in folder: URL) throws -> URL {
        let place = folder.appending(path: name)
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        return place
    }
}

/// A run's folder is named `run` everywhere, because the report bears its name.
struct Discover {
    let arguments: [String]

    /// On the planted matrix: 400 steps and 20 checkpoints of 130 kB.
    static func matrix(_ folder: URL, _ more: String...) -> Discover {
        Discover(
            arguments: [
                "discover", "--activations", folder.appending(path: "small.npy").path, "--latents", "320", "--k", "4",
                "--batch",
                "64", "--passes", "8", "--buffer", "1000", "--checkpoint-every", "20", "--out", "run",
            ] + more)
    }

    /// On the tiny model.
    static func model(_ folder: URL, _ more: String...) -> Discover {
        Discover(
            arguments: [
                "discover", folder.appending(path: "model").path, "--text", folder.appending(path: "text").path,
                "--hook",
                "blocks.0.hook_resid_post", "--latents", "96", "--k", "4", "--batch", "64", "--tokens", "4000",
                "--buffer", "1000",
                "--evaluation-tokens", "1000", "--atlas-tokens", "2000", "--context", "32", "--checkpoint-every", "20",
                "--out", "run",
            ] + more)
    }

    /// Several dictionaries of the tiny model, from the file `sweep.yaml`, which this writes.
    /// - dictionaries: entries of `sweep`.
    static func sweep(_ dictionaries: String..., in folder: URL) throws -> Discover {
        let file = """
            model: model
            text: text
            latents: 96
            k: 4
            batch: 64
            tokens: 4000
            buffer: 1000
            evaluation_tokens: 500
            atlas_tokens: 2000
            length: 32
            sweep:

            """ + dictionaries.map { "  - {\($0)}\n" }.joined()
        try Data(file.utf8).write(to: folder.appending(path: "sweep.yaml"))
        return Discover(arguments: ["discover", "--config", "sweep.yaml", "--out", "run"])
    }

    /// On the neurons of the model that comes with Prism.
    static func oneLayer() -> Discover {
        Discover(
            arguments: [
                "discover", "one-layer", "--text", "text", "--hook", "blocks.0.mlp.hook_post", "--latents", "96", "--k",
                "4", "--batch", "64", "--tokens", "4000", "--buffer", "1000", "--evaluation-tokens", "500",
                "--atlas-tokens", "2000", "--context", "32", "--out", "run",
            ])
    }

    func command(in place: URL, fileLimit: Int? = nil) -> Command {
        Command(arguments, in: place, fileLimit: fileLimit)
    }

    /// The command that goes on: with `--resume`, or from the start where there is no run yet.
    func next(in place: URL) -> Command {
        let hasBegun = FileManager.default.fileExists(atPath: place.appending(path: "run/run.json").path)
        return hasBegun ? Command(["discover", "--resume", "run"], in: place) : command(in: place)
    }

    /// Runs it undisturbed. - Returns: the run's folder.
    func finished(in place: URL) throws -> URL {
        let outcome = try command(in: place).run()
        guard outcome.status == 0 else { throw PrismError.runFailed("\(arguments): \(outcome.errors)") }
        return place.appending(path: "run")
    }
}
