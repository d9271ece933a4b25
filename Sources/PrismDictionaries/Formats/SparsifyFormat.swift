import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// A sparse coder of EleutherAI's sparsify (`SparseCoder.save_to_disk`): TopK, autoencoder or transcoder.
///
///     cfg.json           d_in = d, num_latents = F (0: d · expansion_factor), k, skip_connection, transcode, activation
///     sae.safetensors    encoder.weight [F, d], encoder.bias [F], W_dec [F, d], b_dec [d]; W_skip [d, d] maps x to W_skip x
///
/// b_dec is subtracted from the input unless `transcode`.
struct SparsifyFormat: DictionaryFormat {
    let name = "sparsify"
    let configurationName: String? = "cfg.json"
    let weightsName = "sae.safetensors"
    let marks = "cfg.json with ‘num_latents’ or ‘expansion_factor’ beside sae.safetensors"
    let limits = FormatLimits(activations: [.topK], skips: true)

    func recognises(_ files: DictionaryFiles) -> Bool {
        guard let json = files.configuration(configurationName) else { return false }
        return (json["num_latents"] != nil || json["expansion_factor"] != nil) && json["architecture"] == nil
    }

    func read(_ files: DictionaryFiles) throws -> (dictionary: SparseDictionary, metadata: SAELensMetadata) {
        let json = try files.requiredConfiguration("cfg.json")
        try json.requireKeys(among: [
            "d_in", "num_latents", "expansion_factor", "k", "skip_connection", "transcode", "activation",
            "normalize_decoder", "multi_topk", "signed",
        ])
        if json["activation"] != nil {
            try json.oneOf("activation", ["topk": ()], "Prism has no other activation of sparsify's")
        }
        guard try !json.flag("signed", default: false) else {
            throw json.file.problem(
                "key ‘signed’ must be false, found true", remedy: "Prism has no latents that are negative")
        }
        let width = try json.positive("d_in", atMost: 1 << 32)
        let given = json["num_latents"]?.integer ?? 0
        let latents =
            given == 0
            ? try width * json.positive("expansion_factor", atMost: 1 << 20) : try json.positive("num_latents")
        let k = try json.positive("k", atMost: latents)
        let skips = try json.flag("skip_connection", default: false)
        var shapes = [
            "encoder.weight": [latents, width], "encoder.bias": [latents], "W_dec": [latents, width], "b_dec": [width],
        ]
        if skips { shapes["W_skip"] = [width, width] }
        let tensors = try StrictTensors(files.requiredWeights(weightsName), kind: name, shapes)
        let dictionary = SparseDictionary(
            encoder: try tensors("encoder.weight"), encoderBias: try tensors("encoder.bias"),
            decoder: try tensors("W_dec"), decoderBias: try tensors("b_dec"), activation: .topK(k),
            centresInput: try !json.flag("transcode", default: false), skip: skips ? try tensors("W_skip") : nil)
        return (dictionary, SAELensMetadata())
    }

    func write(_ dictionary: SparseDictionary, _ metadata: SAELensMetadata, to url: URL) throws {
        var weights = SafetensorsWriter()
        weights.add("encoder.weight", dictionary.encoder)
        weights.add("encoder.bias", dictionary.encoderBias)
        weights.add("W_dec", dictionary.decoder)
        weights.add("b_dec", dictionary.decoderBias)
        if let skip = dictionary.skip { weights.add("W_skip", skip) }
        let configuration = WrittenConfiguration(
            dIn: dictionary.width, numLatents: dictionary.latentCount, k: dictionary.activation.k!,
            skipConnection: dictionary.skip != nil, transcode: !dictionary.centresInput)
        try FolderWriter(configuration: "cfg.json", weights: weightsName).write(to: url, configuration) {
            try weights.write(to: $0.appending(path: weightsName))
        }
    }

    /// `cfg.json`; the keys are these names in snake case.
    private struct WrittenConfiguration: Encodable {
        let activation = "topk"
        let dIn: Int
        /// Not used where the number of latents is given, but sparsify's configuration has it.
        let expansionFactor = 1
        let numLatents, k: Int
        let normalizeDecoder = false
        let multiTopk = false
        let skipConnection, transcode: Bool
    }
}
